"""Files made for tests of the readers and writers: strange in every legal way."""

import io
import json
from dataclasses import dataclass

from hypothesis import strategies as st

from clear_core.io import Source, detect, read_examples, write_curated
from clear_core.types import Example, Outcome, RowProblem

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
EXTRA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FATES = st.sampled_from(["keep", "drop", "replace", "unscored", None])


@dataclass
class Spelled:
    """A record as written: its text around the response, and the response as written and as meant."""

    before: str
    written: str
    after: str
    response: str

    @property
    def text(self):
        return self.before + self.written + self.after


@st.composite
def json_spelling(draw, value):
    """JSON of a value with strange but legal spacing and escapes."""
    text = json.dumps(
        value,
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", "  :  ")])),
    )
    if isinstance(value, str) and draw(st.booleans()):
        text = (
            '"'
            + "".join(f"\\u{ord(c):04x}" if c.isascii() and c.isalnum() else json.dumps(c)[1:-1] for c in value)
            + '"'
        )
    return text


@st.composite
def alpaca_records(draw):
    """One Alpaca record as Spelled, with unknown columns around it, on one line."""
    columns = {"instruction": draw(TEXT), "output": draw(TEXT)}
    columns |= {f"x{n}": draw(EXTRA) for n in range(draw(st.integers(0, 2)))}
    names = draw(st.permutations(sorted(columns)))
    space = draw(st.sampled_from(["", " ", "\t "]))
    parts = {name: f"{json.dumps(name)}{space}:{space}" for name in names}
    spelled = {name: draw(json_spelling(columns[name])) for name in names}
    at = names.index("output")
    comma = f"{space},{space}"
    before = "".join(parts[name] + spelled[name] + comma for name in names[:at]) + parts["output"]
    after = "".join(comma + parts[name] + spelled[name] for name in names[at + 1 :])
    return Spelled(f"{{{space}{before}", spelled["output"], f"{after}{space}}}", columns["output"])


@st.composite
def csv_cells(draw, text, delimiter):
    """A cell as written: quoted where it must be, and sometimes where it need not be."""
    must = any(c in text for c in ('"', "\n", "\r", delimiter)) or not text.strip()
    return '"' + text.replace('"', '""') + '"' if must or draw(st.booleans()) else text


@st.composite
def csv_records(draw, delimiter):
    prompt, response, extra = draw(TEXT), draw(TEXT), draw(TEXT)
    cells = [draw(csv_cells(text, delimiter)) for text in (prompt, response, extra)]
    return Spelled(cells[0] + delimiter, cells[1], delimiter + cells[2], response)


def outcomes(examples, fates, replacements):
    """One outcome for each example whose fate is not None."""
    made = []
    for example, fate, text in zip(examples, fates, replacements, strict=True):
        if fate is not None:
            made.append(
                Outcome(example.id, example.row, fate, text if fate == "replace" else None, "because", "policy")
            )
    return made


def put(folder, name, data):
    """A source with these bytes."""
    path = folder / name.replace("/", "_")
    path.write_bytes(data)
    return Source(path, name)


def read(source, field_map=None):
    """(examples, problems) of a source."""
    rows = list(read_examples(source, field_map or detect(source).field_map))
    assert [row.row for row in rows] == list(range(len(rows)))
    return [r for r in rows if isinstance(r, Example)], [r for r in rows if isinstance(r, RowProblem)]


def curate(source, outs, to="same", field_map=None):
    """(bytes, counts) of the curated file."""
    sink = io.BytesIO()
    counts = write_curated(source, field_map or detect(source).field_map, outs, sink, to=to)
    return sink.getvalue(), counts
