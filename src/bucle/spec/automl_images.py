"""Owns the parameters of automated training on images: given, or searched. Resolutions are in pixels."""

from bucle.spec.automl_parameters import (
    BoundFlag,
    BoundNumber,
    BoundWhole,
    FlagSpace,
    NumberSpace,
    TextSpace,
    WholeSpace,
)
from bucle.spec.scalars import Text
from bucle.spec.section import Section


class ImageParameters(Section):
    """The parameters that every model of images has."""

    ams_gradient: BoundFlag | None = None
    advanced_settings: Text | None = None
    beta1: BoundNumber | None = None
    beta2: BoundNumber | None = None
    checkpoint_frequency: BoundWhole | None = None
    checkpoint_run_id: Text | None = None
    distributed: BoundFlag | None = None
    early_stopping: BoundFlag | None = None
    early_stopping_delay: BoundWhole | None = None
    early_stopping_patience: BoundWhole | None = None
    evaluation_frequency: BoundWhole | None = None
    enable_onnx_normalization: BoundFlag | None = None
    gradient_accumulation_step: BoundWhole | None = None
    layers_to_freeze: BoundWhole | None = None
    learning_rate: BoundNumber | None = None
    learning_rate_scheduler: Text | None = None
    model_name: Text | None = None
    momentum: BoundNumber | None = None
    nesterov: BoundFlag | None = None
    number_of_epochs: BoundWhole | None = None
    number_of_workers: BoundWhole | None = None
    optimizer: Text | None = None
    random_seed: BoundWhole | None = None
    step_lr_gamma: BoundNumber | None = None
    step_lr_step_size: BoundWhole | None = None
    training_batch_size: BoundWhole | None = None
    validation_batch_size: BoundWhole | None = None
    warmup_cosine_lr_cycles: BoundNumber | None = None
    warmup_cosine_lr_warmup_epochs: BoundWhole | None = None
    weight_decay: BoundNumber | None = None


class ClassifierParameters(ImageParameters):
    """Those of a model that names what an image shows."""

    training_crop_size: BoundWhole | None = None
    validation_crop_size: BoundWhole | None = None
    validation_resize_size: BoundWhole | None = None
    weighted_loss: BoundWhole | None = None


class DetectorParameters(ImageParameters):
    """Those of a model that finds things in an image."""

    box_detections_per_image: BoundWhole | None = None
    box_score_threshold: BoundNumber | None = None
    image_size: BoundWhole | None = None
    max_size: BoundWhole | None = None
    min_size: BoundWhole | None = None
    model_size: Text | None = None
    multi_scale: BoundFlag | None = None
    nms_iou_threshold: BoundNumber | None = None
    tile_grid_size: Text | None = None
    tile_overlap_ratio: BoundNumber | None = None
    tile_predictions_nms_threshold: BoundNumber | None = None
    validation_iou_threshold: BoundNumber | None = None
    validation_metric_type: Text | None = None
    log_training_metrics: Text | None = None
    log_validation_loss: Text | None = None


class ImageSearchSpace(Section):
    """The parameters that every model of images has, searched."""

    ams_gradient: FlagSpace | None = None
    augmentations: TextSpace | None = None
    beta1: NumberSpace | None = None
    beta2: NumberSpace | None = None
    distributed: FlagSpace | None = None
    early_stopping: FlagSpace | None = None
    early_stopping_delay: WholeSpace | None = None
    early_stopping_patience: WholeSpace | None = None
    evaluation_frequency: WholeSpace | None = None
    enable_onnx_normalization: FlagSpace | None = None
    gradient_accumulation_step: WholeSpace | None = None
    layers_to_freeze: WholeSpace | None = None
    learning_rate: NumberSpace | None = None
    learning_rate_scheduler: TextSpace | None = None
    momentum: NumberSpace | None = None
    nesterov: FlagSpace | None = None
    number_of_epochs: WholeSpace | None = None
    number_of_workers: WholeSpace | None = None
    optimizer: TextSpace | None = None
    random_seed: WholeSpace | None = None
    step_lr_gamma: NumberSpace | None = None
    step_lr_step_size: WholeSpace | None = None
    training_batch_size: WholeSpace | None = None
    validation_batch_size: WholeSpace | None = None
    warmup_cosine_lr_cycles: NumberSpace | None = None
    warmup_cosine_lr_warmup_epochs: WholeSpace | None = None
    weight_decay: NumberSpace | None = None
    model_name: TextSpace | None = None


class ClassifierSearchSpace(ImageSearchSpace):
    """Those of a model that names what an image shows."""

    training_crop_size: WholeSpace | None = None
    validation_crop_size: WholeSpace | None = None
    validation_resize_size: WholeSpace | None = None
    weighted_loss: WholeSpace | None = None


class DetectorSearchSpace(ImageSearchSpace):
    """Those of a model that finds things in an image."""

    box_detections_per_image: WholeSpace | None = None
    box_score_threshold: NumberSpace | None = None
    image_size: WholeSpace | None = None
    max_size: WholeSpace | None = None
    min_size: WholeSpace | None = None
    model_size: TextSpace | None = None
    multi_scale: FlagSpace | None = None
    nms_iou_threshold: NumberSpace | None = None
    tile_grid_size: TextSpace | None = None
    tile_overlap_ratio: NumberSpace | None = None
    tile_predictions_nms_threshold: NumberSpace | None = None
    validation_iou_threshold: NumberSpace | None = None
    validation_metric_type: TextSpace | None = None
