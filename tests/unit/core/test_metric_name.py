import pytest

from vlbench.core.errors import CardError, PluginError, UnknownName
from vlbench.core.metric import Metric
from vlbench.core.metric_name import metrics_of, split_metric
from vlbench.core.registry import METRICS


@pytest.mark.parametrize(
    ("name", "parts"),
    [("macro_f1@0.25", ("macro_f1", 0.25)), ("recall@10", ("recall", 10)), ("map", ("map", None))],
)
def test_a_name_is_split_at_its_number(name, parts):
    assert split_metric(name) == parts


@pytest.mark.parametrize("name", ["recall@", "recall@k", "recall@1@5"])
def test_what_is_no_number_is_refused(name):
    with pytest.raises(CardError, match=r"write recall@5"):
        split_metric(name)


def only_looked_up(prediction, problem, options):
    raise AssertionError("only looked up")


@pytest.fixture
def registered():
    def register(value):
        return METRICS.register("metric_of_this_test")(value)

    yield register
    METRICS.unregister("metric_of_this_test")


def test_metrics_come_under_the_names_asked_for(registered):
    metric = registered(Metric("metric_of_this_test", only_looked_up, frozenset(), at="k"))
    names = ("metric_of_this_test@5", "metric_of_this_test")
    assert metrics_of(names) == dict.fromkeys(names, metric)
    with pytest.raises(UnknownName, match="did you mean metric_of_this_test"):
        metrics_of(["metric_of_this_tset@5"])
    with pytest.raises(CardError, match="needs a whole number"):
        metrics_of(["metric_of_this_test@0.5"])


def test_a_bare_function_as_in_version_0_1_is_refused_with_what_to_write(registered):
    registered(only_looked_up)
    with pytest.raises(
        PluginError, match=r"is of type function, and has to be a Metric.* under @metric\(reads="
    ):
        metrics_of(["metric_of_this_test"])
