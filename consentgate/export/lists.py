"""The last files of a package: what BagIt asks for, and the lists of digests.

Invariant: the lists name every file that is written before them.
"""

from collections.abc import Callable

from consentgate.export.bag import Bag, File


def seal_lists(bag: Bag) -> None:
    """Write the lists of digests: the last files of a package.

    Args:
        bag: the folder with all other files.

    Raises:
        Unavailable: they cannot be written.
    """
    _list(bag, "manifest-sha256.txt", _is_payload)
    _list(bag, "SHA256SUMS", lambda each: not each.path.endswith(".tsr"))
    _list(bag, "tagmanifest-sha256.txt", lambda each: not _is_payload(each))


def bag_info(bag: Bag, pairs: tuple[tuple[str, str], ...]) -> None:
    """Write the bag's declaration and metadata, once the payload is complete.

    Args:
        bag: the folder.
        pairs: name and value of each line; the payload's size is added.

    Raises:
        Unavailable: they cannot be written.
    """
    size = count = 0
    for each in filter(_is_payload, bag.files()):
        size, count = size + each.size, count + 1
    oxum = f"{size}.{count}"
    lines = [f"{name}: {' '.join(value.split())}\n" for name, value in (*pairs, ("Payload-Oxum", oxum))]
    declaration = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    bag.put("bagit.txt", declaration, role="bag", media_type="text/plain")
    bag.put("bag-info.txt", "".join(lines).encode(), role="bag", media_type="text/plain")


def _list(bag: Bag, name: str, names: Callable[[File], bool]) -> None:
    with bag.open(name, role=None) as file:
        for each in filter(names, bag.files()):
            file.write(f"{each.sha256}  {each.path}\n".encode())


def _is_payload(file: File) -> bool:
    return file.path.startswith("data/")
