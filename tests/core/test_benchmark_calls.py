"""The benchmark of calls: it counts what it says, on rows few enough for a test."""

from benchmarks.calls import NAIVE, WAYS, measure, table
from benchmarks.saying import Saying, answers_to_products


def test_the_naive_way_takes_seven_requests_the_others_fewer_and_no_decision_changes():
    examples, script = answers_to_products(24, 0.3)
    lines = {line.way: line for line in measure("rows", examples, script, ["0.5"], pilot=4)}
    assert list(lines) == list(WAYS)
    assert lines[NAIVE].requests == 7
    assert lines["n = 5"].requests == 3
    assert lines["n = 5"].tokens_in < lines[NAIVE].tokens_in
    assert lines["early stop"].samples.value < 5
    assert lines["early stop"].requests_after < 7
    assert lines["early stop, n"].tokens_out < lines["n = 5"].tokens_out
    assert {line.changed for line in lines.values()} == {0}
    assert table(list(lines.values())).count("\n") == 1 + len(lines)


def test_the_script_says_each_sample_by_its_number_and_errs_at_the_rate():
    examples, script = answers_to_products(400, 0.3)
    assert isinstance(script, Saying)
    right = [
        script.samples[row][number] == f"The product is {eval_product(examples[row].prompt[0].content)}."
        for row in range(400)
        for number in range(5)
    ]
    assert abs(sum(right) / len(right) - 0.7) < 0.05
    text = examples[7].prompt[0].content
    assert script.reply(text, temperature=1.0, sample=3).endswith(f"Answer: {script.samples[7][3]}")
    assert script.reply(text, temperature=0.0, sample=0) == script.reply(text, temperature=0.0, sample=0)


def eval_product(question):
    one, other = (int(word.rstrip("?")) for word in question.split() if word.rstrip("?").isdigit())
    return one * other
