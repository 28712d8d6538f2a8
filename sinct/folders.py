"""Train on two folders of pictures, translate with what was trained, and score it: the paper's own experiments.

Park et al. 2020 (arXiv:2007.15651), section 4 and appendix C.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from itertools import product
from os import PathLike
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from sinct.data.folders import Domains, find_domains, find_images
from sinct.data.scaled import FolderSettings, read_test_image
from sinct.errors import (
    CheckpointError,
    ConfigError,
    InputError,
    OutOfMemoryError,
    OutputError,
    WeightsError,
    counted,
)
from sinct.inference.model import Model, load_model
from sinct.inference.to_file import checked_output, translate_to_file
from sinct.measures.fid import score_folders
from sinct.measures.folder_distance import distribution_gap, set_distribution
from sinct.measures.folder_features import pytorch_resized
from sinct.measures.inception import Inception, frechet_distance
from sinct.networks.styled import StyledGenerator
from sinct.objectives.folder_gan import FolderGanSettings
from sinct.objectives.folder_methods import METHODS, find_method, method_settings
from sinct.objectives.folder_multimodal import MultimodalGan
from sinct.pictures.encoding import FORMATS
from sinct.pictures.opening import open_picture
from sinct.pictures.picture import write_picture
from sinct.runtime.device import choose_device, gains_from_bfloat16
from sinct.runtime.files import StrPath, printable
from sinct.semantics import score_scenes_of
from sinct.training.folder_run import Judge, run_folder_training
from sinct.training.progress import OnPreparing, OnProgress, Training
from sinct.training.run_directory import RunDirectory
from sinct.weights.store import Weights, present

__all__ = [
    "METHODS",
    "Applied",
    "Domains",
    "Scored",
    "apply",
    "find_domains",
    "model_file",
    "resumed_settings",
    "score",
    "settings",
    "train",
]

STATES = ("best", "last")
"""States of a training that can be applied."""

SIZES = ("tested", "own")
"""Sizes at which pictures can be translated."""

MOST_SAMPLES = 1000
"""Translations of one picture that can be asked for at once."""


def settings(
    method: str,
    domains: Domains,
    *,
    device: torch.device,
    epochs: int | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
) -> FolderGanSettings:
    """The published settings of a method, with another length, seed or device.

    Args:
        method: a key of `METHODS`.
        domains: the pictures; an epoch has as many steps as the larger domain has batches.
        device: device to train on; bfloat16 is used where it gains from it.
        epochs: length in epochs, instead of the published one.
        steps: length in steps, instead of in epochs; the learning rate then falls from step to step.
        seconds: most time for the training, even if it is not done by then.
        seed: makes the training repeatable.
        changes: other settings by name.

    Raises:
        ConfigError: the method or a setting is unknown, or a value is out of range.
    """
    changes = dict(changes or {})
    start = find_method(method).settings.replace(**changes)
    published = method_settings(method, _batches(domains, start.batch_size)).replace(**changes)
    chosen = _of_length(published, domains, epochs, steps)
    fast = {} if "mixed_precision" in changes else {"mixed_precision": gains_from_bfloat16(device)}
    return chosen.replace(seconds=seconds, seed=seed, **fast)


def resumed_settings(
    method: str,
    domains: Domains,
    run_dir: StrPath,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    seconds: float | None = None,
) -> FolderGanSettings:
    """The settings of a run that is to be resumed, with another length, as `config` for `train`.

    Seconds alone leave it its steps. Steps or epochs alone free it from the limit to its time.

    Args:
        method: the method that it is a run of.
        domains: its pictures.
        run_dir: its folder.
        epochs, steps, seconds: see `settings`.

    Raises:
        CheckpointError: the folder holds no run of this method.
        ConfigError: a length is out of range, or there are two.
    """
    config: FolderGanSettings = _begun(method, RunDirectory(Path(run_dir)))
    if steps == config.steps:
        steps = None  # the learning rate keeps its course
    return _of_length(config, domains, epochs, steps).replace(seconds=seconds)


def _batches(domains: Domains, batch_size: int) -> int:
    """Steps of an epoch."""
    return -(-max(len(domains.source), len(domains.target)) // batch_size)


def _of_length(
    config: FolderGanSettings, domains: Domains, epochs: int | None, steps: int | None
) -> FolderGanSettings:
    """Settings with a length and the course of the learning rate that belongs to it; without one, as they are."""
    if epochs is not None and steps is not None:
        raise ConfigError("a length was given in epochs and in steps; give one of them")
    if epochs is not None:
        if epochs < 1:
            raise ConfigError(f"epochs must be 1 or more, got {epochs}")
        return config.replace(steps=epochs * _batches(domains, config.batch_size), rate_epochs=epochs)
    return config if steps is None else config.replace(steps=steps, rate_epochs=0)


def _begun(method: str, run: RunDirectory) -> Any:
    """Settings of a run of this method.

    Raises:
        CheckpointError: there is no run, or one of another method.
    """
    other = run.preset()
    if other in METHODS and other != method:
        raise CheckpointError(
            f"{printable(run.path)} is a run of the method {other}, not of {method}; give `method={other!r}` or "
            "another `run_dir`"
        )
    return run.read_config(find_method(method).trainer)[0]


def train(
    domains: Domains,
    run_dir: StrPath,
    *,
    method: str = "cut",
    config: FolderGanSettings | None = None,
    device: str = "auto",
    weights_dir: StrPath | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    on_preparing: OnPreparing | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Training:
    """Train a method on two folders.

    The run directory gets both the last state and the best: that whose translations of the test pictures were nearest
    to the target domain at one of twenty looks, by FID where its network is in the cache of weights, else by
    `sinct.measures.folder_distance`. Published figures are mostly the best of a training.

    Args:
        domains: the pictures, see `find_domains`.
        run_dir: folder for model, checkpoint, log and preview.
        method: a key of `METHODS`.
        config: see `settings`; None takes the published ones. A resumed run keeps its own and takes no more than the
            length, see `resumed_settings`; None leaves it that too.
        device: auto, cpu, cuda, cuda:N or mps.
        weights_dir: folder with the weights of FID's network; None takes the cache.
        resume, overwrite, on_progress, on_preparing, should_stop: as for `sinct.train`.

    Raises:
        InputError: no picture of a domain can be used.
        OutputError, ConfigError, CheckpointError, DeviceError, TrainingError: as for `sinct.train`.
    """
    where, run = choose_device(device), RunDirectory(Path(run_dir))
    if resume:
        _begun(method, run)
    elif config is None:
        config = settings(method, domains, device=where)
    return run_folder_training(
        find_method(method).trainer,
        domains,
        run,
        config=config,
        preset=method,
        device=where,
        resume=resume,
        overwrite=overwrite,
        on_progress=on_progress,
        on_preparing=on_preparing,
        should_stop=should_stop,
        make_judge=partial(_fid_judge, weights_dir, where) if _has_inception(weights_dir) else None,
    )


@dataclass(frozen=True)
class Applied:
    """How translating a folder ended.

    Attributes:
        written: pictures written now.
        kept: pictures that were there already and were kept.
        failed: pictures that could not be translated, with the reason in one line; also those too large for the memory.
        warnings: flaws and notes, one line each, which begins with the picture's name; only at their own size.
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    failed: Mapping[Path, str]
    warnings: tuple[str, ...] = ()


def apply(
    run: StrPath,
    images: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    state: str = "best",
    size: str = "tested",
    suffix: str = ".png",
    samples: int | None = None,
    reference: StrPath | None = None,
    device: str = "auto",
    max_memory: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_picture: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Applied:
    """Translate pictures with a trained model.

    Args:
        run: run directory, or model file.
        images: folder or list of pictures, see `find_images`, or picture files.
        output: folder for the translations, which keep the pictures' names.
        state: "best" or "last", see `train`; a model file has one state.
        size: "tested" scales pictures as the training's tests do, for scores by the paper's protocol; "own" keeps
            each at its size, with its transparency, resolution and EXIF data.
        suffix: of the files written, which chooses their format.
        samples: translations of each picture, NAME-1.png to NAME-N.png, with style codes that are drawn from their
            prior by the training's seed: number 3 has the same for all pictures, however many there are. None makes
            one, NAME.png, with the mean style of the target domain. Only for methods with style codes.
        reference: picture whose style all translations get, scaled as the training's tests scale it. Only for these.
        device: auto, cpu, cuda, cuda:N or mps.
        max_memory: bytes for the process, see `sinct.apply`. Generators with instance norm need a picture at once.
        resume: keep pictures that are there already.
        overwrite: replace them.
        on_picture: called with translations done and translations in all.
        should_stop: called before each of them; returning True ends the work.

    Raises:
        InputError: there are no pictures, or the reference cannot be read.
        OutputError: a file is there already, it is one of the pictures themselves, two would get the same name, or
            the folder cannot be written.
        CheckpointError, DeviceError: as for `sinct.apply`.
        ConfigError: an unknown state, size or format, `resume` with `overwrite`, `samples` with `reference` or not
            from 1 to 1,000, one of these for a model without styles, or "tested" for one that was trained on a pair.
    """
    for name, value, known in (("state", state, STATES), ("size", size, SIZES)):
        if value not in known:
            raise ConfigError(f"unknown {name} {value!r}; choose one of {', '.join(known)}")
    if suffix.lower() not in FORMATS:
        raise ConfigError(f"suffix must be one of {', '.join(FORMATS)}, got {suffix!r}")
    if resume and overwrite:
        raise ConfigError("`resume=True` and `overwrite=True` contradict each other; give one of them")
    if samples is not None and not 1 <= samples <= MOST_SAMPLES:
        raise ConfigError(f"samples must be from 1 to {MOST_SAMPLES:,}, got {samples}")
    if samples is not None and reference is not None:
        raise ConfigError("a reference gives one style, but `samples` asks for several; give one of them")
    model = load_model(model_file(Path(run), state), choose_device(device))
    trained_on_folders = {method.trainer.name for method in METHODS.values()}
    if size == "tested" and model.objective not in trained_on_folders:
        raise ConfigError(
            f"{printable(run)} was trained on a pair of pictures, so there is no size of its tests; give "
            "`size='own'`, or use `sinct.apply`"
        )
    paths = (
        find_images(images) if isinstance(images, (str, PathLike)) else tuple(Path(path) for path in images)
    )
    styled = _styled(model, samples, reference)
    targets = _named(paths, Path(output), suffix, samples)
    present = [target for target in targets if target.exists()]
    if present and not (resume or overwrite):
        raise OutputError(
            f"{printable(present[0])} already exists ({len(present)} of {counted(len(targets), 'picture')}); give "
            "`resume=True` to keep them, `overwrite=True` to replace them, or another `output`"
        )
    if not resume:
        _keep_inputs([*paths, *([Path(reference)] if reference is not None else [])], present)
    written, kept, remarks, failed = [], [], [], {}
    work = zip(product(paths, styled), targets, strict=True)
    for number, ((path, translating), target) in enumerate(work):
        on_picture(number, len(targets))
        if should_stop():
            break
        if resume and target.exists():
            kept.append(target)
            continue
        try:
            if size == "tested":
                result = translating.translate(read_test_image(path, _resizing(model)))
                write_picture(target, result, overwrite=overwrite)
            else:
                source = open_picture(path, target, max_memory)
                encoding = checked_output(
                    target, source, [path], bits=None, profile="srgb", overwrite=overwrite
                )
                done = translate_to_file(
                    translating,
                    source,
                    target,
                    encoding=encoding,
                    max_memory=max_memory,
                    resume=False,
                    overwrite=overwrite,
                    on_pixels=None,
                    should_stop=None,
                )
                named = path if samples is None else target
                remarks += [f"{printable(named)}: {text}" for text in done.warnings]
            written.append(target)
        except (InputError, OutOfMemoryError) as error:
            failed[path] = str(error)
    else:
        on_picture(len(targets), len(targets))
    return Applied(tuple(written), tuple(kept), failed, tuple(remarks))


@dataclass(frozen=True)
class Scored:
    """Scores of one set of translations, or of several.

    Attributes:
        sets: scores of each set, by folder, JSON-serialisable: "distance"; with weights "fid", "clean_fid", "kid"; with
            label maps those of `sinct.measures.street_scores.SCORES`.
        mean: mean of each score over the sets.
        spread: standard deviation over the sets; empty for a single one.
        unchanged: the same scores of the source pictures as they are; empty without them.
        protocols: how each score is computed.
        left_out: files that could not be read, with the reason.
        missing: why scores that need weights are missing; empty where they are not.
        random: whether the network's weights were random, so that its scores mean nothing.
        overlaps: intersection over union of each class of street scenes in percent, by folder; empty without
            label maps.
    """

    sets: Mapping[str, Mapping[str, float]]
    mean: Mapping[str, float]
    spread: Mapping[str, float]
    unchanged: Mapping[str, float]
    protocols: Mapping[str, str]
    left_out: Mapping[str, str]
    missing: str = ""
    random: bool = False
    overlaps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-serialisable."""
        return asdict(self)


def score(
    translated: StrPath | Sequence[StrPath],
    target: StrPath,
    *,
    source: StrPath | None = None,
    labels: StrPath | None = None,
    segmenter: StrPath | None = None,
    label_numbers: str = "ids",
    weights_dir: StrPath | None = None,
    random_weights: bool = False,
    device: str = "auto",
    cache: StrPath | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scored:
    """Compare folders of translations with pictures of the target domain.

    FID, clean-FID and KID need the weights of FID's network (`sinct weights`); the distance of colours and textures,
    which sees neither things nor places, needs none.

    Args:
        translated: folder or list of translations; several, for instance of several seeds, get a mean and a spread.
        target: folder or list of the target domain's test pictures.
        source: those of the source domain, for the score of doing nothing.
        labels: folder or list of label maps of street scenes, for the semantic scores of translations with their
            names; with `segmenter`, see `sinct.semantics.score_scenes_of`.
        segmenter: file of the network that segments them.
        label_numbers: "ids" or "train-ids", what the numbers in label maps are.
        weights_dir: folder with the weights; None takes the cache.
        random_weights: use a random network, to try out everything else.
        device: auto, cpu, cuda, cuda:N or mps.
        cache: folder of kept features; None takes the cache.
        on_progress: called with pictures done and pictures in all, for each folder.

    Raises:
        InputError: a folder has fewer than two pictures that can be read, or a translation has no label map.
        ConfigError: only one of `labels` and `segmenter` was given.
        WeightsError, CheckpointError: the segmenter cannot be used.
        DeviceError: the device is unknown or not there.
    """
    where = choose_device(device)
    if (labels is None) != (segmenter is None):
        raise ConfigError("semantic scores need both `labels` and `segmenter`; give the two or neither")
    places = [translated] if isinstance(translated, (str, PathLike)) else list(translated)
    if not places:
        raise InputError("there is no folder of translations; give one or more")
    targets, weights = (
        find_images(target),
        Weights(Path(weights_dir) if weights_dir else None, random_weights),
    )
    own = FolderSettings(resizing="none", crop_size=1)
    wanted = set_distribution(_all(targets, own))

    def distance(paths: Sequence[Path]) -> float:
        return distribution_gap(set_distribution(_all(paths, own)), wanted)

    sources = find_images(source) if source is not None else None
    unchanged = {} if sources is None else {"distance": distance(sources)}
    protocols = {"distance": "colours and textures of both sets, in ΔE; see sinct.measures.folder_distance"}
    sets: dict[str, dict[str, float]] = {}
    overlaps: dict[str, Mapping[str, float]] = {}
    left_out: dict[str, str] = {}
    missing = ""
    for place in places:
        paths = find_images(place)
        found = {"distance": distance(paths)}
        if labels is not None and segmenter is not None:
            scenes = score_scenes_of(
                place, labels, segmenter, label_numbers=label_numbers, device=device, on_progress=on_progress
            )
            found |= scenes.scores
            protocols |= scenes.protocols
            overlaps[printable(place)] = scenes.overlaps
        try:
            scores = score_folders(
                paths,
                targets,
                source=sources,
                weights=weights,
                device=where,
                cache=Path(cache) if cache is not None else None,
                on_progress=on_progress,
            )
        except WeightsError as error:
            missing = str(error)
        else:
            found |= {"fid": scores.fid, "clean_fid": scores.clean_fid, "kid": scores.kid}
            protocols |= scores.protocols
            left_out |= scores.left_out
            if scores.unchanged_fid is not None:
                unchanged["fid"] = scores.unchanged_fid
        sets[printable(place)] = found
    names = next(iter(sets.values()))
    columns = {name: [values[name] for values in sets.values()] for name in names}
    return Scored(
        sets,
        {name: fmean(values) for name, values in columns.items()},
        {name: stdev(values) for name, values in columns.items() if len(values) > 1},
        unchanged,
        protocols,
        left_out,
        missing,
        random_weights,
        overlaps,
    )


def _all(paths: Sequence[Path], settings: FolderSettings) -> list[torch.Tensor]:
    """Pictures that can be read, for the distance, which needs only some hundred."""
    found = []
    for path in paths:
        try:
            found.append(read_test_image(path, settings))
        except InputError:
            continue  # FID's features name them
    if not found:
        raise InputError(f"no picture of {len(paths)} can be read, the first is {printable(paths[0])}")
    return found


def _has_inception(weights_dir: StrPath | None) -> bool:
    """Whether FID can be computed without a download."""
    installed = find_spec("torch_fidelity") is not None
    return installed and present("inception", Path(weights_dir) if weights_dir is not None else None)


def _fid_judge(
    weights_dir: StrPath | None, device: torch.device, targets: Sequence[Path], config: FolderSettings
) -> Judge:
    """Score by FID to these pictures."""
    weights = Weights(Path(weights_dir) if weights_dir is not None else None)
    inception = Inception(weights.load("inception"), device)

    def features(pictures: Sequence[torch.Tensor]) -> torch.Tensor:
        eight_bits = (((each + 1) * 127.5).round().clamp(0, 255).to(torch.uint8) for each in pictures)
        with torch.no_grad():
            return torch.cat([inception.pooled(pytorch_resized(each)[None]).cpu() for each in eight_bits])

    wanted = features([read_test_image(path, config) for path in targets])
    return Judge("FID", lambda made: frechet_distance(features(made), wanted))


def model_file(run: Path, state: str) -> Path:
    """The model file of a run directory's state, "best" or "last"; a model file is itself.

    Raises:
        CheckpointError: a run directory has no such state.
    """
    if not run.is_dir():
        return run
    directory = RunDirectory(run)
    if state == "best":
        return directory.model
    if directory.last.exists():
        return directory.last
    if directory.model.exists():
        return directory.model  # no other was better
    raise CheckpointError(f"{printable(run)} holds no model; train first, or give another run directory")


def _keep_inputs(paths: Sequence[Path], present: Sequence[Path]) -> None:
    """See that no translation takes the place of a picture, its own or a later one.

    Raises:
        OutputError: one would.
    """
    inputs = {(found.st_dev, found.st_ino) for path in paths if (found := _status(path)) is not None}
    for target in present:
        found = _status(target)
        if found is not None and (found.st_dev, found.st_ino) in inputs:
            raise OutputError(
                f"{printable(target)} is one of the pictures that translations are made from; give another `output`"
            )


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):  # missing, which is said when it is its turn
        return None


def _resizing(model: Model) -> FolderSettings:
    """How the pictures were scaled that a model was tested on."""
    names = FolderSettings.names()
    return FolderSettings.from_dict({name: value for name, value in model.settings.items() if name in names})


def _styled(model: Model, samples: int | None, reference: StrPath | None) -> list[Model]:
    """The model with each style that pictures are to be translated with.

    Raises:
        InputError: the reference cannot be read.
        ConfigError: the model has no styles.
    """
    if samples is None and reference is None:
        return [model]
    network = model.generator
    if not isinstance(network, StyledGenerator):
        several = ", ".join(
            name for name, method in METHODS.items() if issubclass(method.trainer, MultimodalGan)
        )
        raise ConfigError(
            f"a model of the objective {model.objective!r} makes one translation of a picture and has no styles, which "
            f"`{'samples' if reference is None else 'reference'}` needs; leave it out, or train one of {several}"
        )
    if reference is not None:
        picture = read_test_image(reference, _resizing(model)).to(model.device)
        with torch.no_grad():
            styles = list(network.style_of(picture[None]))
    else:
        random = torch.Generator().manual_seed(int(model.settings["seed"]))
        styles = [torch.randn(network.styles, generator=random) for _ in range(samples or 1)]
    return [replace(model, generator=network.with_style(style)) for style in styles]


def _named(paths: Sequence[Path], output: Path, suffix: str, samples: int | None) -> list[Path]:
    """Files for the translations: all samples of the first picture, all of the second, and so on.

    Raises:
        OutputError: two pictures have the same name.
    """
    found: dict[Path, Path] = {}
    numbers = [""] if samples is None else [f"-{number}" for number in range(1, samples + 1)]
    for path, number in product(paths, numbers):
        target = output / f"{path.stem}{number}{suffix}"
        if target in found:
            raise OutputError(
                f"{printable(path)} and {printable(found[target])} would both be written to {printable(target)}; "
                "rename one of them"
            )
        found[target] = path
    return list(found)
