"""The mirror: copies of files on the network that the operator of this host declares, by address."""

from pathlib import Path

import yaml

from bucle import errors
from bucle.spec.references import below_root


def find(declared: Path, url: str) -> Path | None:
    """Return the copy of `url` by the file `mirror.yml` of the state folder; None when it declares none.

    The file maps addresses to files of this host, and addresses that end in `/` to folders. PlatformFault when it
    cannot be read as that.
    """
    try:
        known = yaml.safe_load(declared.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, yaml.YAMLError) as fault:
        raise errors.PlatformFault("mirror.unreadable", file=declared, why=str(fault).splitlines()[0]) from fault
    if not isinstance(known, dict) or not all(isinstance(one, str) for pair in known.items() for one in pair):
        raise errors.PlatformFault("mirror.unreadable", file=declared, why="it is no mapping of addresses to paths")
    if url in known:
        return Path(known[url])
    for address in sorted(known, key=len, reverse=True):
        if address.endswith("/") and url.startswith(address):
            return Path(known[address], below_root(url.removeprefix(address), url))
    return None
