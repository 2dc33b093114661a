"""A receipt as a file: its lines, a picture, what a receipt printer takes, or the proof alone, by the file's ending.

It refuses other endings, and the proof of a payment that no header confirms yet.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from chainpos.core.checkout.frames import PAPER_FRAME, to_frames
from chainpos.core.checkout.receipt import Receipt, proof_caption, receipt_lines
from chainpos.errors import EXIT_USAGE, UserFacingError

PROOF: Final = ".cpr"
FILE_KINDS: Final = (".txt", ".png", ".pdf", ".escpos", PROOF)


def file_kind(path: Path) -> str:
    """One of FILE_KINDS. Raises UserFacingError."""
    kind = path.suffix.lower()
    if kind not in FILE_KINDS:
        raise UserFacingError(
            f"No receipt can be written as {path.suffix or path.name!r}.",
            next_step=f"Name a file that ends with {', '.join(FILE_KINDS)}.",
            exit_code=EXIT_USAGE,
        )
    return kind


def free_place(path: Path, printed: int) -> tuple[Path, int]:
    """Where a receipt that was printed so often is written, and which copy it is, 0 for the first.

    A file of that name is a copy before it. The proof is no copy of anything: it is the same each time.
    """
    if path.suffix.lower() == PROOF:
        return path, 0
    copy = printed
    while (place := path.with_name(f"{path.stem}-copy-{copy}{path.suffix}" if copy else path.name)).exists():
        copy += 1
    return place, copy


def file_bytes(kind: str, receipt: Receipt, proof: bytes, columns: int) -> bytes:
    """A receipt as the content of a file. Raises UserFacingError."""
    lines, frames = receipt_lines(receipt, columns), to_frames(proof, PAPER_FRAME) if proof else ()
    if kind == ".txt":
        return "".join(f"{line}\n" for line in (*lines, *frames)).encode()
    if kind == PROOF:
        if not proof:
            raise UserFacingError("The payment is not confirmed yet.", next_step="Try again in a moment.")
        return proof
    after = proof_caption(len(frames), columns) if frames else ()
    if kind == ".escpos":
        from chainpos.till.printing.commands import job_bytes

        return job_bytes(lines, frames, columns=columns, after=after)
    from chainpos.till.printing.pictures import pdf_bytes, png_bytes, receipt_picture

    picture = receipt_picture(lines, frames, after, columns=columns)
    return png_bytes(picture) if kind == ".png" else pdf_bytes(picture)


def lines_bytes(kind: str, lines: tuple[str, ...], columns: int) -> bytes:
    """Lines without a proof as the content of a file. Raises UserFacingError."""
    if kind == ".txt":
        return "".join(f"{line}\n" for line in lines).encode()
    if kind == PROOF:
        raise UserFacingError("The ledger proves nothing of this.", next_step="Save it as .pdf, .png or .txt.")
    if kind == ".escpos":
        from chainpos.till.printing.commands import job_bytes

        return job_bytes(lines, columns=columns)
    from chainpos.till.printing.pictures import pdf_bytes, png_bytes, receipt_picture

    picture = receipt_picture(lines, (), (), columns=columns)
    return png_bytes(picture) if kind == ".png" else pdf_bytes(picture)
