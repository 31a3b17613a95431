from short_cards import model, task

from vlbench.fitting.seen import seen_after


def test_a_fitted_model_has_seen_what_its_base_did_and_the_tasks_data():
    known, unknown = model(trained_on=["laion2b"]), model()
    assert seen_after(known, task(["pets"]), "oxford_pets") == {"trained_on": ("laion2b", "pets")}
    assert seen_after(known, task(["laion2b"]), "x") == {"trained_on": ("laion2b",)}
    assert seen_after(unknown, task(["pets"]), "oxford_pets") == {"tuned_on": ("pets",)}
    # a folder may hold images of any data set
    assert seen_after(known, None, "classification:mine") == {"tuned_on": ("laion2b", "classification:mine")}
    assert seen_after(None, None, "classification:mine") == {"tuned_on": ("classification:mine",)}
    assert seen_after(known, task([]), "own") == {"tuned_on": ("laion2b", "own")}
