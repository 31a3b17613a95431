"""`vlbench verify`: made results of packaged cards beside what is published of them."""

import json
from pathlib import Path

import pytest

from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.protocols import card_protocol
from vlbench.cards.texts import read_templates
from vlbench.core.digest import digest_of
from vlbench.core.measurement import Measurement
from vlbench.report.results import write_result

FILES = Path(__file__).parents[2] / "fixtures" / "published"
OPEN_CLIP = FILES / "openclip_classification_results.csv"


@pytest.fixture
def write(make_result, tmp_path):
    """Writes a result on ImageNet with the card's own protocol: `write(0.6333, 0.6291, 0.6375)`."""
    catalogue = read_catalogue()
    templates = read_templates(catalogue.tasks["imagenet"].path.parent / "templates" / "imagenet.txt")

    def write(value, low, high, **fields):
        protocol = {
            "model": "clip-b32",
            "task": "imagenet",
            "protocol": "openai-80",
            "n_images": 50_000,
            "n_texts": 1000,
            "metrics": (Measurement(value, 50_000, low, high, "Wilson", metric="acc1"),),
            "protocol_statement": {"templates": list(templates)},
        }
        entry = catalogue.tasks[fields.get("task", "imagenet").partition("+")[0]]
        covered = card_protocol(entry).covered
        protocol["protocol_digest"] = digest_of(covered)
        return write_result(make_result(**(protocol | fields)), tmp_path / "results")

    return write


def verdicts(said):
    """Verdict and reason by source and task."""
    rows = json.loads(said)
    return {
        (row["source"], row["published_task"], row["metric"]): (row["verdict"], row["reason"]) for row in rows
    }


PAPER = ("CLIP paper (arXiv 2103.00020), Table 11", "imagenet", "acc1")
TABLE = ("open_clip docs/openclip_classification_results.csv", "imagenet", "acc1")
REACT = ("microsoft/react README", "imagenet@elevater", "acc1")
TIP = ("Tip-Adapter paper (arXiv 2111.03930), Table 3", "imagenet", "acc1")


@pytest.mark.slow
def test_a_right_result_reproduces_every_source_of_its_protocol(run, write):
    write(0.6333, 0.6291, 0.6375)
    code, said, complained = run("verify", "clip-b32", "imagenet", "--format", "json")
    found = verdicts(said)
    assert (code, complained) == (0, "")
    # ELEVATER's card states the names, templates and split of `imagenet`: its figures are of one protocol
    assert {found[key] for key in (PAPER, TABLE, REACT)} == {("reproduced", "")}
    assert found[TIP] == ("not comparable", "templates: an ensemble that the source does not list")


@pytest.mark.slow
def test_results_are_asked_for_by_aliases_and_collections_too(run, write):
    write(0.6333, 0.6291, 0.6375)
    _, asked, _ = run("verify", "clip-b32", "imagenet", "--format", "json")
    for name in ("imagenet1k", "wds/imagenet1k", "vtab+"):
        assert run("verify", "clip-b32", name, "--format", "json")[:2] == (0, asked)
    code, _, complained = run("verify", "clip-b32", "cifar-10")
    assert (code, "no result of clip-b32 on cifar-10" in complained) == (2, True)


@pytest.mark.slow
def test_a_wrong_result_is_off_by_a_signed_difference_and_fails(run, write):
    write(0.6210, 0.6167, 0.6252)
    code, said, complained = run("verify")
    assert code == 1
    assert "off by -0.0122" in said
    assert "off by -0.011" in said
    assert complained.startswith(
        "vlbench: not reproduced: clip-b32 on imagenet, acc1: off by -0.011 (CLIP paper"
    )
    assert run("verify", "--tolerance", "0.02")[0] == 0


def test_another_protocol_is_named_by_the_field_that_differs(run, write):
    write(0.6210, 0.6167, 0.6252, task="imagenet@coop", protocol="coop", protocol_statement={})
    code, said, _ = run("verify", "--format", "json")
    reasons = verdicts(said)
    assert code == 0
    assert reasons[TABLE] == (
        "not comparable",
        "templates: 80 of templates/imagenet.txt, not 1 of templates/photo.txt",
    )


def test_a_part_and_a_users_own_weights_are_not_comparable(run, write):
    write(0.62, 0.52, 0.72, partial="limit 100")
    write(0.62, 0.52, 0.72, model="clip-b16@12ab34")
    _, said, _ = run("verify", "--format", "json")
    reasons = {(row["model"], row["reason"]) for row in json.loads(said) if row["source"] == TABLE[0]}
    assert reasons == {
        ("clip-b32", "partial result: limit 100"),
        ("clip-b16@12ab34", "weights: a file of the user's own"),
    }


def test_scores_of_a_users_card_are_published_scores(run, write, tmp_path):
    cards = tmp_path / "cards"
    cards.mkdir()
    (cards / "mine.yaml").write_text(
        "title: Mine\nadapter: clip\nsettings: {arch: ViT-B-32, pretrained: openai}\npublished:\n"
        "- {task: imagenet1k, protocol: openai-80, metric: acc1, value: 0.60, source: my thesis, "
        "verified: true}\n"
        "- {task: imagenet, protocol: single, metric: acc1, value: 0.62, source: my talk, verified: true}\n"
        "- {task: imagenet, protocol: openai-80, metric: acc1, value: 0.9, source: hearsay, "
        "verified: false}\n"
    )
    write(0.62, 0.61, 0.63, model="mine")
    code, said, _ = run("verify", "mine", "--include-path", cards, "--format", "json")
    assert code == 1
    assert verdicts(said) == {
        ("my thesis", "imagenet", "acc1"): ("off", ""),
        ("my talk", "imagenet", "acc1"): ("not comparable", "protocol: single, not openai-80"),
    }


@pytest.mark.slow
def test_imported_scores_stand_beside_results_and_never_among_them(run, write, tmp_path):
    write(0.6333, 0.6291, 0.6375)
    code, said, complained = run("import", "open_clip", OPEN_CLIP)
    assert (code, complained) == (0, "")
    assert said.splitlines()[-1] == "6 of 6 averages are those of their columns"
    assert "cards stand for 210 of them" in said
    _, said, _ = run("verify", "--format", "json")
    imported = ("open_clip: openclip_classification_results.csv (imported)", "imagenet", "acc1")
    assert verdicts(said)[imported] == ("reproduced", "")
    code, said, _ = run("leaderboard")
    ours, _, theirs = said.partition("\nImported, measured by other tools:\n")
    assert [line.split()[0] for line in ours.splitlines()[2:]] == ["clip-b32"]
    assert "and 204 scores on tasks without a result here" in theirs
    for path in (tmp_path / "results").glob("*.csv"):
        assert "open_clip" not in path.read_text()


@pytest.mark.slow
def test_ones_own_exported_results_release_nothing(run, write, tmp_path):
    write(0.5111, 0.5067, 0.5155)
    assert run("verify", "clip-b32", "imagenet")[0] == 1
    assert run("export", "--format", "clip_benchmark", "--out", "own.csv")[0] == 0
    code, _, complained = run("import", "clip_benchmark", "own.csv")
    assert code == 0
    assert "exported by vlbench: our own results, which are shown and never compared" in complained
    code, said, _ = run("verify", "clip-b32", "imagenet", "--format", "json")
    assert code == 1
    own = verdicts(said)[("clip_benchmark: own.csv (imported)", "imagenet", "acc1")]
    assert own == ("not comparable", "exported by vlbench: no score of others")
    # nor where the mark was taken off
    text = (tmp_path / "own.csv").read_text().replace(",exported_by", "").replace(",vlbench", "")
    (tmp_path / "plain.csv").write_text(text)
    code, said, _ = run("import", "clip_benchmark", "plain.csv")
    assert code == 0
    code, said, _ = run("verify", "clip-b32", "imagenet", "--format", "json")
    assert verdicts(said)[("clip_benchmark: plain.csv (imported)", "imagenet", "acc1")] == ("reproduced", "")
    assert code == 1


def test_a_file_of_contradictory_rows_is_refused(run, tmp_path):
    (tmp_path / "two.csv").write_text(
        "acc1,dataset,language,model,pretrained,task\n"
        "0.5,imagenet1k,en,ViT-B-32,openai,zeroshot_classification\n"
        "0.6,imagenet1k,en,ViT-B-32,openai,zeroshot_classification\n"
    )
    code, said, complained = run("import", "clip_benchmark", "two.csv")
    assert (code, said) == (2, "")
    told = "two.csv: states ViT-B-32 openai imagenet1k acc1 twice, 0.5000 and 0.6000; keep one of them"
    assert complained == f"vlbench: {told}\n"
    assert not (tmp_path / "results").exists()


def test_a_file_under_a_second_name_is_said_and_listed_once(run, tmp_path):
    copy = tmp_path / "copy.csv"
    copy.write_bytes(OPEN_CLIP.read_bytes())
    assert "already" not in run("import", "open_clip", OPEN_CLIP)[1]
    said = run("import", "open_clip", copy)[1]
    assert "210 of them were imported from another file already and are listed once" in said


def test_a_result_under_another_protocols_digest_reproduces_nothing_and_fails(run, write):
    write(0.6333, 0.6291, 0.6375, protocol_digest="968d59003562b5ebfec6eae935e2b7f2")
    code, said, complained = run("verify", "clip-b32", "imagenet", "--format", "json")
    assert code == 1
    assert "reproduced" not in {verdict for verdict, _ in verdicts(said).values()}
    assert "protocol digest: not that of the card" in complained


@pytest.mark.slow
def test_clip_benchmark_and_mteb_are_imported_under_their_names(run, tmp_path):
    code, _, _ = run("import", "clip_benchmark", FILES / "clip_benchmark.json", FILES / "clip_benchmark.csv")
    assert code == 0
    table = (tmp_path / "results" / "imported" / "clip_benchmark-clip_benchmark.csv").read_text()
    assert (
        "clip_benchmark,ViT-B-32/openai,clip-b32,imagenet1k,imagenet,acc1,0.63334,,clip_benchmark.csv"
        in table
    )
    file = FILES / "Imagenet1kZeroShot.json"
    assert run("import", "mteb", file)[0] == 2
    assert run("import", "mteb", file, "--model", "openai/clip-vit-base-patch32")[0] == 0
    (path,) = (tmp_path / "results" / "imported").glob("mteb-Imagenet1kZeroShot*.csv")
    rows = path.read_text().splitlines()
    assert rows[1].startswith(
        "mteb,openai/clip-vit-base-patch32,clip-b32,Imagenet1kZeroShot,imagenet,acc1,0.59124,protocol:"
    )


@pytest.mark.parametrize(
    ("system", "content", "message"),
    [
        ("open_clip", b"name,pretrained\n", "no column of open_clip's tables"),
        ("open_clip", b"\xff\xfe\x00", "wrong: not UTF-8 at byte 0"),
        ("clip_benchmark", b"{}", "not a result of CLIP_benchmark"),
        ("mteb", b"[]", "not a result of mteb"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(run, tmp_path, system, content, message):
    path = tmp_path / "wrong"
    path.write_bytes(content)
    code, said, complained = run("import", system, path)
    assert (code, said, len(complained.splitlines())) == (2, "", 1)
    assert message in complained
    assert not (tmp_path / "results").exists()


def test_without_results_nothing_is_verified(run, write):
    code, _, complained = run("verify")
    assert (code, "no such results folder" in complained) == (2, True)
    write(0.62, 0.61, 0.63)
    code, _, complained = run("verify", "clip-b16")
    assert (code, "no result of clip-b16 on *" in complained) == (2, True)


def test_published_scores_of_a_matching_are_found(run, write):
    about = {"n_images": 1_000, "n_texts": 4_124, "protocol": "sugarcrepe"}
    statement = {"templates": ["{}"], "texts": 0}
    values = (Measurement(0.7720, 2_062, 0.7534, 0.7896, "Wilson", metric="text_score"),)
    card = card_protocol(read_catalogue().tasks["sugarcrepe-add-obj"]).covered
    digest = digest_of({"templates": ["{}"], "texts": [], **card})
    about |= {"metrics": values, "protocol_statement": statement, "protocol_digest": digest}
    write(0, 0, 0, task="sugarcrepe-add-obj", **about)
    code, said, complained = run("verify", "clip-b32", "compositional", "--format", "json")
    assert (code, complained) == (0, "")
    source = "github.com/ytaek-oh/vl_compo, individual_results.csv (arXiv 2406.09388)"
    assert verdicts(said) == {(source, "sugarcrepe-add-obj", "text_score"): ("reproduced", "")}
