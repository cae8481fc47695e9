"""The local engine on networks that the tests make: tiny, but loaded and run as real ones are."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tasks.errors import ToolMissing
from tasks.faces.align import TEMPLATE, similarity
from tasks.faces.engines import EngineChoice, pack_version
from tasks.faces.local import LocalEngine
from tasks.faces.protocol import EMBEDDING_LENGTH, About, PictureRefused

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

ABOUT = About("0" * 64, 1, "a.jpg")
STRIDES = (8, 16, 32)
RADIUS_PX = 32.0  # of the boxes the tiny detector draws


def save(
    path: Path, nodes: list[object], constants: dict[str, np.ndarray], inputs: object, outputs: list[object]
) -> Path:
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", [inputs], outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def detector(path: Path, *, landmarks: bool = True) -> Path:
    """
    An SCRFD without weights: the score of a place is how red it is, boxes and landmarks are always the same around it.

    Outputs as SCRFD's: for each stride scores, then boxes, then landmarks; two anchors a place.
    """
    nodes, constants = [], {"red": np.array([[[[1.0]], [[-1.0]], [[-1.0]]]], np.float32) / 3,
                            "flat": np.array([-1, 1], np.int64), "twice": np.array([1, 2], np.int64),
                            "none": np.array([1, 1], np.int64)}  # fmt: skip
    outputs: dict[str, list[object]] = {"score": [], "box": [], "mark": []}
    for stride in STRIDES:
        places = (640 // stride) ** 2
        tag, radius = str(stride), RADIUS_PX / stride
        nodes += [
            helper.make_node("Conv", ["input", "red"], [f"r{tag}"]),
            helper.make_node("AveragePool", [f"r{tag}"], [f"p{tag}"], kernel_shape=[stride] * 2, strides=[stride] * 2),
            helper.make_node("Reshape", [f"p{tag}", "flat"], [f"f{tag}"]),
            helper.make_node("Tile", [f"f{tag}", "twice"], [f"t{tag}"]),
            helper.make_node("Reshape", [f"t{tag}", "flat"], [f"score{tag}"]),
        ]
        constants[f"b{tag}"] = np.full((2 * places, 4), radius, np.float32)
        nodes.append(helper.make_node("Identity", [f"b{tag}"], [f"box{tag}"]))
        offsets = ((TEMPLATE - 56) / 56 * radius).reshape(1, 10).astype(np.float32)
        constants[f"m{tag}"] = np.repeat(offsets, 2 * places, axis=0)
        for name, width in (("score", 1), ("box", 4), ("mark", 10)):
            outputs[name].append(helper.make_tensor_value_info(f"{name}{tag}", TensorProto.FLOAT, [2 * places, width]))
        if landmarks:
            nodes.append(helper.make_node("Identity", [f"m{tag}"], [f"mark{tag}"]))
    wanted = outputs["score"] + outputs["box"] + (outputs["mark"] if landmarks else [])
    del constants["none"]
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 640, 640])
    return save(path, nodes, constants, given, wanted)


def recogniser(path: Path, width: int = EMBEDDING_LENGTH, seed: int = 1) -> Path:
    """An ArcFace without training: mean colours of a grid, times a fixed matrix."""
    weights = np.random.default_rng(seed).normal(size=(3 * 16, width)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["data"], ["pooled"], kernel_shape=[28, 28], strides=[28, 28]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["fc1"]),
    ]
    given = helper.make_tensor_value_info("data", TensorProto.FLOAT, ["None", 3, 112, 112])
    out = [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, ["None", width])]
    return save(path, nodes, {"weights": weights}, given, out)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    detector(tmp_path / "models" / "buffalo_l" / "det_10g.onnx")
    recogniser(tmp_path / "models" / "buffalo_l" / "w600k_r50.onnx")
    return tmp_path


def jpeg(*squares: tuple[int, int, int], size: tuple[int, int] = (640, 480)) -> bytes:
    image = Image.new("RGB", size, "black")
    for left, top, edge in squares:
        ImageDraw.Draw(image).rectangle((left, top, left + edge - 1, top + edge - 1), fill=(255, 0, 0))
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=95)
    return encoded.getvalue()


def test_faces_are_found_where_they_are_each_once_with_a_vector(pack: Path) -> None:
    engine = LocalEngine(pack)
    detection = engine.detect(jpeg((96, 96, 16), (416, 256, 16)), ABOUT)
    assert detection.model_version == engine.model_version == pack_version(pack)
    assert detection.model_version.startswith("buffalo_l-")
    middles = sorted((face.box.x + face.box.width / 2, face.box.y + face.box.height / 2) for face in detection.faces)
    wanted = [(104 / 640, 104 / 480), (424 / 640, 264 / 480)]
    assert middles == [pytest.approx(one, abs=0.03) for one in wanted]
    for face in detection.faces:
        assert face.embedding is not None
        assert face.embedding.shape == (EMBEDDING_LENGTH,)
        assert float(np.linalg.norm(face.embedding)) == pytest.approx(1, abs=1e-5)
        assert 0.5 <= face.confidence <= 1
        assert 0 <= face.box.x < face.box.x + face.box.width <= 1


def test_large_pictures_are_scaled_and_boxes_come_back_to_scale(pack: Path) -> None:
    small = LocalEngine(pack).detect(jpeg((96, 96, 16)), ABOUT).faces[0].box
    large = LocalEngine(pack).detect(jpeg((288, 288, 48), size=(1920, 1440)), ABOUT).faces[0].box
    assert (large.x, large.y, large.width) == pytest.approx((small.x, small.y, small.width), abs=0.03)


def test_nothing_red_is_nobody(pack: Path) -> None:
    assert LocalEngine(pack).detect(jpeg(), ABOUT).faces == ()


def test_detector_without_landmarks_works_too(tmp_path: Path) -> None:
    detector(tmp_path / "det.onnx", landmarks=False)
    recogniser(tmp_path / "rec.onnx")
    (face, *_) = LocalEngine(tmp_path).detect(jpeg((96, 96, 16)), ABOUT).faces
    assert face.embedding is not None


def test_bytes_that_are_no_picture_are_the_pictures_fault(pack: Path) -> None:
    with pytest.raises(PictureRefused):
        LocalEngine(pack).detect(b"\xff\xd8\xff nonsense", ABOUT)


def test_folder_without_models_says_so(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match=r"no \.onnx"):
        LocalEngine(tmp_path)
    (tmp_path / "det.onnx").write_bytes(b"not a network")
    with pytest.raises(ToolMissing, match="cannot be loaded"):
        LocalEngine(tmp_path)
    detector(tmp_path / "det.onnx")
    with pytest.raises(ToolMissing, match="ArcFace"):
        LocalEngine(tmp_path)


def test_other_weights_are_another_version(pack: Path) -> None:
    before = pack_version(pack)
    recogniser(pack / "models" / "buffalo_l" / "w600k_r50.onnx", seed=2)
    assert pack_version(pack) != before


def test_engine_is_chosen_by_what_is_set(pack: Path) -> None:
    assert EngineChoice().open() is None
    assert EngineChoice().name == "off"
    local = EngineChoice(model_folder=pack)
    assert (local.name, local.model_version()) == ("local", pack_version(pack))
    assert isinstance(local.open(), LocalEngine)
    both = EngineChoice(apollo_url="http://127.0.0.1:9", model_folder=pack).open()
    assert both is not None
    assert both.name == "apollo"
    both.close()


def test_alignment_brings_landmarks_onto_the_template() -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    points = (TEMPLATE @ turn.T) * 2.5 + (40, 70)
    found = similarity(points, TEMPLATE)
    assert np.allclose(points @ found[:, :2].T + found[:, 2], TEMPLATE, atol=1e-9)
