"""Real checkpoints of transformers, tiny and untrained, made here: what they say is noise, how they are run is not."""

import json
from pathlib import Path

import pytest
from extras import needs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clear_core import entailment
from clear_core.entailment import NLI, questions
from clear_core.errors import InputError
from clear_core.nli import Labels, _batches, labels_of, load_nli

needs("torch", "transformers")

WORDS = ["paris", "lyon", "is", "the", "capital", "of", "france", "a", "city", "big", "small", "not", ".", "?"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


def checkpoint(folder: Path, names=("CONTRADICTION", "NEUTRAL", "ENTAILMENT"), *, positions=66, head=True) -> str:
    """Write a random BERT with a tokenizer of a few words, as `save_pretrained` lays it out; the seed is fixed."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    named = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), special, strict=True))
    words = Tokenizer(WordLevel({word: place for place, word in enumerate(special + WORDS)}, unk_token=special[1]))
    words.normalizer = Lowercase()
    words.pre_tokenizer = Whitespace()
    words.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(tokenizer_object=words, **named).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(special + WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
        initializer_range=0.6,
        id2label=dict(enumerate(names)),
        label2id={name: place for place, name in enumerate(names)},
    )
    (BertForSequenceClassification if head else BertModel)(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def nli(tmp_path_factory) -> NLI:
    return load_nli(checkpoint(tmp_path_factory.mktemp("nli") / "tiny-mnli"))


def test_a_folder_is_loaded_and_named_without_its_path(nli):
    assert nli.name == "tiny-mnli"
    (told,) = nli.probabilities([("Paris is big.", "Paris is not big.")])
    assert told.entail + told.neutral + told.contradict == pytest.approx(1.0)


def test_outputs_are_read_by_their_names_in_whatever_order(nli, tmp_path):
    """The same weights with other names: what was called contradiction is now called entailment."""
    other = load_nli(checkpoint(tmp_path / "other", ("Entailment", "contradiction", "neutral")))
    pairs = [("Paris is big.", "Paris is small."), ("a city", "the capital")]
    for one, two in zip(nli.probabilities(pairs), other.probabilities(pairs), strict=True):
        assert (two.entail, two.contradict, two.neutral) == pytest.approx((one.contradict, one.neutral, one.entail))


@pytest.mark.parametrize("family", ["Deberta", "DebertaV2", "Roberta", "Bart"])
def test_every_family_reads_as_much_as_it_says(family, tmp_path):
    """A pair of just the length that fits runs through, whatever a family does with its positions."""
    import transformers

    folder = checkpoint(tmp_path / family)
    (tmp_path / family / "model.safetensors").unlink()
    # BART is built of layers by other names, and reads its answer at the last token.
    parts = {"d_model": 32, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "encoder_layers": 1, "decoder_layers": 1}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "eos_token_id": 3, "bos_token_id": 2}
    parts = parts | heads if family == "Bart" else {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = getattr(transformers, f"{family}Config")(
        **parts,
        vocab_size=18,
        max_position_embeddings=66,
        pad_token_id=0,
        id2label=dict(enumerate(("contradiction", "neutral", "entailment"))),
    )
    getattr(transformers, f"{family}ForSequenceClassification")(config).save_pretrained(folder)
    model = load_nli(folder)
    pairs = [("paris " * 30, "lyon " * 31), ("paris", "lyon")]
    assert model.fits(pairs)
    assert not model.fits([("paris " * 31, "lyon " * 31)])
    assert [one.entail + one.neutral + one.contradict for one in model.probabilities(pairs)] == pytest.approx([1, 1])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=12))
def test_a_batch_says_what_each_pair_alone_says(nli, pairs):
    together = nli.probabilities(pairs)
    for pair, told in zip(pairs, together, strict=True):
        (alone,) = nli.probabilities([pair])
        assert told.contradict == pytest.approx(alone.contradict, abs=1e-5)
        assert told.entail == pytest.approx(alone.entail, abs=1e-5)


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 200))
def test_batches_hold_every_pair_once_within_their_room(lengths, most):
    batches = list(_batches(lengths, most))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= most


def test_nothing_is_cut_off_to_fit(nli):
    long = ("paris " * 50, "lyon " * 50)
    assert not nli.fits([("paris", "lyon"), long])
    with pytest.raises(InputError, match="103 tokens"):
        nli.probabilities([("paris", "lyon"), long])


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXTS, min_size=1, max_size=12), st.lists(TEXTS, min_size=1, max_size=12))
def test_texts_of_any_length_are_compared_in_what_the_model_can_read(nli, target, sample):
    asked = questions(". ".join(target), ". ".join(sample), nli.fits)
    assert nli.fits(asked.pairs)
    assert 0.0 <= asked.similarity(nli.probabilities(asked.pairs)) <= 1.0


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800 half a pair", "東京" * 20, "[SEP] [CLS] </s>"])
def test_hostile_texts_are_texts(nli, text):
    asked = questions("Paris is big.", text, nli.fits)
    assert 0.0 <= asked.similarity(nli.probabilities(asked.pairs)) <= 1.0


def test_no_pairs_need_no_model(nli):
    assert (nli.fits([]), nli.probabilities([])) == (True, [])


@pytest.mark.parametrize(
    "names",
    [
        ("LABEL_0", "LABEL_1", "LABEL_2"),
        ("entailment", "not_entailment"),
        ("entailment", "neutral", "contradiction", ""),
    ],
)
def test_outputs_that_cannot_be_told_apart_are_refused(names):
    with pytest.raises(InputError, match="can't be told"):
        labels_of(dict(enumerate(names)), "a-checkpoint")


def test_names_of_outputs_are_read_in_any_spelling():
    assert labels_of({0: "Contradiction", 1: "NEUTRAL", 2: "entail"}, "x") == Labels(contradict=0, entail=2, neutral=1)


def test_a_model_without_its_last_layer_is_refused_not_made_up(tmp_path):
    with pytest.raises(InputError, match="lacks weights: classifier"):
        load_nli(checkpoint(tmp_path / "headless", head=False))


def test_a_folder_that_holds_no_model_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no-such-model"}))
    with pytest.raises(InputError, match="can't be loaded"):
        load_nli(str(tmp_path))
    with pytest.raises(InputError, match="no folder"):
        load_nli(str(tmp_path / "missing"))
    with pytest.raises(InputError, match="such as"):
        load_nli("")


def test_without_the_packages_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(entailment.importlib.util, "find_spec", {}.get)
    with pytest.raises(InputError, match=r"clear-review\[nli\]"):
        load_nli("an/mnli-checkpoint")
