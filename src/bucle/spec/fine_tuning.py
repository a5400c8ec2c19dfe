"""Owns the jobs that adapt a large model: fine-tuning and distillation."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, RootModel, Tag

from bucle.spec.execution_settings import QueueSettings
from bucle.spec.inputs import Input, JobOutputs
from bucle.spec.job_fields import JobFile
from bucle.spec.scalars import AnyCase, AnyHump, Anything, Count, Flag, Number, TagText, Text, Whole
from bucle.spec.section import ByForm, Section

NOT_RUN = "large models are adapted on accelerators that this platform does not have"
TuningTask = Annotated[
    Literal[
        "chat_completion",
        "text_completion",
        "text_classification",
        "question_answering",
        "text_summarization",
        "token_classification",
        "text_translation",
        "image_classification",
        "image_instance_segmentation",
        "image_object_detection",
        "video_multi_object_tracking",
    ],
    AnyHump,
]
Examples = Annotated[Annotated[Text, Tag("<single>")] | Annotated[Input, Tag("<mapping>")], ByForm]


class MachineChoice(Section):
    """The machines that would do."""

    instance_types: list[Text]


class FineTuning(JobFile):
    """The fields of every fine-tuning."""

    type: Literal["finetuning"]
    task: TuningTask
    model: Input
    training_data: Examples | None = None
    validation_data: Examples | None = None
    outputs: JobOutputs | None = None
    queue_settings: QueueSettings | None = None
    resources: MachineChoice | None = None


class CustomFineTuning(FineTuning):
    """A model of a registry."""

    model_provider: Annotated[Literal["custom"], AnyHump]
    hyperparameters: dict[str, TagText] | None = None


class HostedHyperparameters(Section):
    """What a hosted model lets one set."""

    n_epochs: Whole | None = None
    learning_rate_multiplier: Number | None = None
    batch_size: Whole | None = None


class HostedFineTuning(FineTuning):
    """A hosted model."""

    model_provider: Annotated[Literal["azure_open_ai"], AnyHump]
    hyperparameters: HostedHyperparameters | None = None


def form_of_provider(value: object) -> str | None:
    """Return whose model is tuned."""
    provider = value.get("model_provider") if isinstance(value, dict) else getattr(value, "model_provider", None)
    return f"<{provider.lower()}>" if isinstance(provider, str) else None


Tuning = Annotated[
    Annotated[CustomFineTuning, Tag("<custom>")] | Annotated[HostedFineTuning, Tag("<azure_open_ai>")],
    Discriminator(
        form_of_provider,
        custom_error_type="model_provider",
        custom_error_message="must have the model_provider custom or azure_open_ai",
    ),
]


class FineTuningJob(RootModel[Any]):
    """A model trained further on one's own examples."""

    model_config = ConfigDict(defer_build=True)
    # Named here and not as RootModel[…], which would be built at once.
    root: Tuning


class TeacherRequests(Section):
    """How the teacher is asked."""

    request_batch_size: Count | None = None
    min_endpoint_success_ratio: Number | None = None


class TeacherSettings(Section):
    """How the teacher answers."""

    inference_parameters: dict[str, Anything] | None = None
    endpoint_request_settings: TeacherRequests | None = None


class PromptSettings(Section):
    """How the teacher's prompts are built; lengths in words."""

    enable_chain_of_thought: Flag | None = None
    enable_chain_of_density: Flag | None = None
    max_len_summary: Whole | None = None


class TeacherConnection(Section):
    """Where the teacher is asked."""

    type: Annotated[Literal["serverless", "custom"], AnyHump]
    name: Text
    endpoint: Text
    api_key: Text
    id: Text | None = None
    description: Text | None = None
    tags: Anything = None
    target: Text | None = None
    credentials: Anything = None
    is_shared: Flag | None = None
    metadata: Anything = None


class StudentResources(Section):
    """The machine of the student."""

    instance_count: Count | None = None
    instance_type: Text | None = None
    properties: dict[str, Anything] | None = None


class DistillationJob(JobFile):
    """A small model taught by a large one."""

    type: Literal["distillation"]
    data_generation_type: Annotated[Literal["label_generation", "data_generation"], AnyHump]
    data_generation_task_type: Annotated[Literal["nli", "nlu_qa", "conversation", "math", "summarization"], AnyCase]
    teacher_model_endpoint_connection: TeacherConnection
    student_model: Examples
    training_data: Examples | None = None
    validation_data: Examples | None = None
    teacher_model_settings: TeacherSettings | None = None
    prompt_settings: PromptSettings | None = None
    hyperparameters: dict[str, TagText] | None = None
    resources: StudentResources | None = None
    outputs: JobOutputs | None = None
