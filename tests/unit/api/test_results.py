import vlbench


def test_results_are_a_list_a_table_and_a_frame(tmp_path):
    found = vlbench.evaluate("tiny-clip", ["digits", "shapes-tags"], limit=16, cache=tmp_path)
    assert [result.task for result in found] == ["digits", "shapes-tags"]
    assert repr(found).splitlines()[0].split()[:3] == ["model", "task", "metric"]
    frame = found.to_frame()
    assert list(frame["model"].unique()) == ["tiny-clip"]
    primary = frame[frame["primary"]].set_index("task")
    assert primary.loc["digits", "value"] == found[0].score
    assert primary.loc["shapes-tags", "metric"] == "mean_average_precision"
    assert frame["value"].dtype == float
    assert "<td>tiny-clip</td>" in found._repr_html_()


def test_names_cannot_write_into_a_notebook(make_result):
    shown = vlbench.api.results.Results([make_result(model="<img onerror=alert(1)>")])._repr_html_()
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_a_string_is_one_folder_wherever_folders_are_wanted(tmp_path):
    (tmp_path / "mine.yaml").write_text("title: Mine\nadapter: coop\n")
    assert "mine" in vlbench.list_models(str(tmp_path))
