"""Words of documents: YAML files, references, expressions."""

TEXTS: dict[str, tuple[str, str]] = {
    "spec.faults": ("{path} has {number} at fault:\n{lines}", "mend the lines named above"),
    "spec.unknown_kind": (
        "{path} does not say what it is: neither its $schema nor its type names a kind",
        "give the noun (`bucle job create -f {path}`), or add a $schema line",
    ),
    "spec.kind_not_run": (
        "{path} holds a {kind}, which is read and not run here: {reason}",
        "check its form with `bucle validate -f {path}`; use a command or pipeline job, or run this file on Azure",
    ),
    "spec.no_schema": (
        "there is no schema of {kind} here",
        "name one of {kinds}; Azure publishes those of its own kinds",
    ),
    "spec.local_path": (
        "{field} names a path of the caller's machine ({text}); the server reads no such path",
        "send the document through `bucle`, or upload the files first and give their digest",
    ),
    "spec.bad_reference": (
        "{text!r} is not a reference: {why}",
        "write azureml:NAME:VERSION, azureml:NAME@latest, azureml://datastores/NAME/paths/PATH or a path",
    ),
    "spec.bad_expression": (
        "{expression} is at fault: {why}",
        "write ${{{{inputs.NAME}}}}, ${{{{outputs.NAME}}}} or ${{{{parent.jobs.STEP.outputs.NAME}}}}",
    ),
    "spec.unresolved_expression": (
        "{expression} has no value here",
        "declare the name it reads, or give it a value",
    ),
    "spec.unsafe_expression": (
        "{expression} stands {where}, where no value can be quoted safely",
        "put the value in a variable of the shell first, and use that variable there",
    ),
    "spec.bad_override": (
        "--set {text} is at fault: {why}",
        "write --set inputs.rate=0.1 or --set jobs.train.tags[0]=x",
    ),
    "spec.folder_entry": ("the folder cannot be digested: {why}", "rename or remove the file named"),
}
