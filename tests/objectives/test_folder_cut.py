"""CUT on folders: its step against the objective written out, its variants, and that each can be told from CUT."""

import dataclasses

import pytest
import torch
from torch import Tensor

from sinct.data.folder_sampler import FolderBatch
from sinct.errors import ConfigError
from sinct.losses.contrastive import bank_nce, patch_nce
from sinct.networks.base import sample_features
from sinct.objectives.folder_cut import FolderCutTrainer, mirrored, of_domain
from tests.support.folder_pictures import drawn_domains, tiny_cut
from tests.support.learning import check_that_it_continues, run

CPU = torch.device("cpu")


@pytest.fixture
def make(tmp_path):
    domains = drawn_domains(tmp_path / "pictures")

    def made(**changes) -> FolderCutTrainer:
        return FolderCutTrainer(domains.source, domains.target, tiny_cut(**changes), CPU)

    return made


def grown(before: dict[str, Tensor], after: dict[str, Tensor], part: str) -> bool:
    names = [name for name in before if name.startswith(part) and name.endswith("weight")]
    assert names
    return any(not before[name].equal(after[name]) for name in names)


def written_out(trainer: FolderCutTrainer, batch: FolderBatch) -> tuple[Tensor, Tensor]:
    """PatchNCE of sources and of targets, one picture and one depth after another, with the step's own draws."""
    random = torch.Generator()
    random.set_state(trainer.random.get_state())
    found = []
    places = None
    for inputs in batch:
        with torch.no_grad():
            output = trainer.generator(inputs)
            keys, queries = trainer.generator.encode(inputs), trainer.generator.encode(output)
        if places is None:
            places = [
                torch.rand(1, key.shape[2] * key.shape[3], generator=random).topk(16, dim=1).indices
                for key in keys
            ]
        losses = []
        for number, (key, query, where) in enumerate(zip(keys, queries, places, strict=True)):
            head = trainer.projection.depths[number]
            for item in range(len(inputs)):
                k, q = (
                    torch.nn.functional.normalize(
                        head(sample_features(each[item : item + 1], where)), dim=1
                    ).detach()
                    for each in (key, query)
                )
                similar = q @ k.T / 0.07
                losses.append(-similar.log_softmax(dim=1).diagonal().mean())
        found.append(torch.stack(losses).mean())
    return found[0], found[1]


@pytest.mark.parametrize("batch_size", [1, 2])
def test_the_terms_are_those_of_the_objective_written_out(make, batch_size):
    trainer = make(batch_size=batch_size)
    batch = trainer.sample()
    nce, nce_identity = written_out(trainer, batch)
    with torch.no_grad():
        fake = trainer.generator(batch.source)
        real_logits, fake_logits = trainer.discriminator(batch.target), trainer.discriminator(fake)
    losses = trainer.step(batch)
    expected = 0.5 * ((real_logits - 1).square().mean() + fake_logits.square().mean())
    torch.testing.assert_close(losses.adversarial_d, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses.nce, nce, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(losses.nce_identity, nce_identity, rtol=1e-4, atol=1e-4)


def test_pictures_are_whole_once_the_rate_falls(make):
    trainer = make(steps=8)
    whole = make(steps=8, load_size=32)
    for step in range(8):
        trainer.steps_done = whole.steps_done = step
        assert trainer.sample().source.equal(whole.sample().source) == (step >= 4)


def test_every_network_learns(make):
    trainer = make()
    before = {name: tensor.clone() for name, tensor in trainer.state().items()}
    run(trainer, 1)
    after = trainer.state()
    assert all(grown(before, after, part) for part in ("generator.", "discriminator.", "projection."))


def test_without_identity_no_target_is_compared(make):
    losses = make(identity_nce=False)
    assert losses.step(losses.sample()).nce_identity == 0


# Flip equivariance


def test_positions_in_a_mirror_are_those_of_the_mirrored_map():
    maps = torch.rand(2, 3, 5, 7)
    places = torch.randint(35, (2, 6))
    assert sample_features(maps.flip(3), mirrored(places, 7)).equal(sample_features(maps, places))


def test_mirrored_inputs_are_compared_at_the_mirrored_places(make, monkeypatch):
    """For a generator that commutes with the mirror, PatchNCE must not change with it."""

    def nce(*, flipped: bool) -> Tensor:
        trainer = make(identity_nce=False, flip_equivariance=True, depths=(0,))
        monkeypatch.setattr(
            trainer.generator, "translate", lambda seen, noise=None: (seen, trainer.generator.encode(seen, 0))
        )
        draws = iter([torch.tensor(0.0 if flipped else 1.0)])
        real = torch.rand
        monkeypatch.setattr(
            torch, "rand", lambda *size, **rest: next(draws) if size == ((),) else real(*size, **rest)
        )
        batch = trainer.sampler.batch(0)
        try:
            seen = batch.source.requires_grad_(True)
            return trainer.step(FolderBatch(seen, batch.target)).nce
        finally:
            monkeypatch.undo()

    torch.testing.assert_close(nce(flipped=True), nce(flipped=False))


def test_flip_equivariance_mirrors_half_of_the_inputs(make):
    trainer = make(identity_nce=False, flip_equivariance=True)
    seen = []
    translate = trainer.generator.translate

    def watched(inputs, noise=None):
        seen.append(inputs)
        return translate(inputs, noise)

    trainer.generator.translate = watched
    flips = 0
    for step in range(40):
        source = trainer.sampler.batch(step).source
        trainer.step(trainer.sampler.batch(step))
        assert seen[-1].equal(source) or seen[-1].equal(source.flip(3))
        flips += seen[-1].equal(source.flip(3))
    assert 10 <= flips <= 30


def test_without_flip_equivariance_nothing_is_mirrored(make):
    trainer = make(identity_nce=False)
    seen = []
    translate = trainer.generator.translate
    trainer.generator.translate = lambda inputs, noise=None: seen.append(inputs) or translate(inputs, noise)
    for step in range(6):
        trainer.step(trainer.sampler.batch(step))
        assert seen[-1].equal(trainer.sampler.batch(step).source)


# The ablations of appendix C.5


def gradients(trainer: FolderCutTrainer) -> dict[str, Tensor | None]:
    """Gradients of the generator by PatchNCE alone."""
    trainer.step(trainer.sample())
    return {name: parameter.grad for name, parameter in trainer.generator.named_parameters()}


@pytest.mark.parametrize(("learns", "expected"), [(True, True), (False, False)])
def test_the_decoder_learns_from_patch_nce_unless_that_is_off(make, learns, expected, monkeypatch):
    trainer = make(decoder_learns_content=learns)
    monkeypatch.setattr(trainer, "fool", lambda discriminator, fake: fake.sum() * 0)
    found = gradients(trainer)
    decoder = found["to_rgb.weight"]
    assert (decoder is not None and bool(decoder.abs().sum() > 0)) == expected
    assert found["down1.weight"].abs().sum() > 0  # the encoder learns either way


def test_separate_encoders_share_nothing(make):
    trainer = make(separate_encoders=True)
    ours = {id(p) for p in (*trainer.generator.parameters(), *trainer.projection.parameters())}
    theirs = {id(p) for p in (*trainer.output_encoder.parameters(), *trainer.output_projection.parameters())}
    assert not ours & theirs
    before = {name: tensor.clone() for name, tensor in trainer.state().items()}
    run(trainer, 1)
    after = trainer.state()
    assert all(
        grown(before, after, part) for part in ("projection.", "output_projection.", "output_encoder.")
    )


def test_cut_encodes_outputs_with_the_generator_itself(make):
    trainer = make()
    assert trainer.output_encoder is trainer.generator
    assert trainer.output_projection is trainer.projection


# The memory bank


def test_keys_of_a_step_become_negatives_of_the_next_and_not_of_their_own(make):
    trainer = make(memory_bank=40)
    remembered, used = [], []
    remember, nce = trainer.remember, trainer.patch_nce

    def watch_nce(queries, keys, domain):
        used.append([bank.vectors.clone() for bank in trainer.banks[domain]])
        return nce(queries, keys, domain)

    def watch(keys, count, total):
        remembered.append([each.clone() for each in keys])
        remember(keys, count, total)

    trainer.remember, trainer.patch_nce = watch, watch_nce
    start = [[bank.vectors.clone() for bank in domain] for domain in trainer.banks]
    for step in range(3):  # 16 keys of each domain and step into 40 places: the third wraps round
        trainer.step(trainer.sampler.batch(step))
    for domain in range(2):
        for depth in range(5):
            slow = start[domain][depth].clone()
            place = 0
            for step in range(3):
                assert used[2 * step + domain][depth].equal(slow)
                for vector in remembered[step][depth].view(2, 16, -1)[domain]:
                    slow[place] = vector
                    place = (place + 1) % 40
            assert trainer.banks[domain][depth].vectors.equal(slow)


def test_keys_come_from_a_slow_average_that_gets_no_gradient(make):
    trainer = make(memory_bank=40, momentum=0.75)
    before = [p.clone() for p in trainer.key_encoder.parameters()]
    trainer.step(trainer.sample())
    for old, now, ours in zip(
        before, trainer.key_encoder.parameters(), trainer.generator.parameters(), strict=True
    ):
        assert now.grad is None
        torch.testing.assert_close(now, 0.75 * old + 0.25 * ours, rtol=1e-5, atol=1e-7)


def test_a_bank_replaces_the_own_pictures_negatives(make, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "sinct.objectives.folder_cut.bank_nce", lambda *a, **b: calls.append("bank") or bank_nce(*a, **b)
    )
    monkeypatch.setattr(
        "sinct.objectives.folder_cut.patch_nce", lambda *a, **b: calls.append("own") or patch_nce(*a, **b)
    )
    trainer = make(memory_bank=40)
    trainer.step(trainer.sample())
    assert calls == ["bank"] * 10


# Runs


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"identity_nce": False, "flip_equivariance": True, "nce_weight": 10.0},
        {"memory_bank": 40},
        {"separate_encoders": True},
        {"decoder_learns_content": False},
        {
            "generator": "sincut",
            "discriminator": "stylegan2",
            "adversarial": "non_saturating",
            "r1_weight": 1.0,
        },
        {"batch_size": 2, "mixed_precision": True},
    ],
    ids=lambda changes: ", ".join(changes) or "cut",
)
def test_a_stopped_training_continues_bit_for_bit(make, changes):
    check_that_it_continues(lambda: make(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generator": "unet"}, "unknown generator 'unet'; choose one of"),
        ({"discriminator": "pixel"}, "unknown discriminator 'pixel'; choose one of patchgan, stylegan2"),
        ({"adversarial": "hinge"}, "unknown adversarial 'hinge'"),
        ({"depths": (0, 5)}, "depths must be some of 0, 1, 2, 3, 4"),
        ({"queries": 1}, "2 or more queries"),
        ({"memory_bank": 9, "separate_encoders": True}, "set separate_encoders to false"),
        ({"discriminator": "stylegan2", "crop_size": 36}, "power of 2"),
        ({"crop_size": 20}, "crop_size of 24 or more"),
        ({"generator": "sincut", "crop_size": 33}, "multiple of 2"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(tiny_cut(), **changes)


def test_vectors_of_a_domain_are_its_pictures():
    vectors = torch.arange(12.0).view(6, 2)
    assert of_domain([vectors], 1, None, 3)[0].equal(vectors[2:])
