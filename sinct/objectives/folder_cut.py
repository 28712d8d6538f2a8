"""CUT on two folders of pictures, with FastCUT, the memory bank and the paper's ablations as settings.

Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation" (arXiv:2007.15651), sections 3 and 4,
appendix C. Where paper and the authors' code differ, the code decides, which the published figures come from:

- Adam's rate is 0.0002 (appendix C.1 prints 0.002).
- PatchNCE is averaged over depths, and over source and target; eqs. 3 to 5 sum.
- Query positions are shared by all pictures of a batch.
- Once the learning rate falls, pictures are scaled to the crop's size and seen whole (`whole_from`), as tests see them;
  the paper does not mention it.

The variants `cut-moco`, `cut-separate` and `cut-detached` are in no published code, and follow the text. Two things it
leaves open: with a memory bank, source and target have a bank each, since features of the one are no negatives for the
other; and where the encoders are separate, PatchNCE is taken in both directions, since keys that get no gradient would
be random for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sinct.config import ABOVE_0, FROM_0, SHARE, bounded
from sinct.data.folder_sampler import FolderBatch
from sinct.errors import ConfigError
from sinct.losses.contrastive import bank_nce, patch_nce
from sinct.losses.memory_bank import MOMENTUM, MemoryBank
from sinct.networks.base import Features, GeneratorBase, sample_features, update_average
from sinct.networks.projection import Projection, random_positions
from sinct.networks.seeding import seeded
from sinct.objectives.folder_gan import FolderGan, FolderGanSettings
from sinct.training.loop import update
from sinct.training.terms import LEFT_ALONE, PASSES, RECOGNISED, SMOOTH, TOLD_APART, Term


@dataclass(frozen=True)
class FolderCutSettings(FolderGanSettings):
    """Settings of one training. The defaults are those of CUT.

    Attributes:
        projection_dimensions: length of the vectors that PatchNCE compares.
        temperature: softmax divisor of PatchNCE, dimensionless.
        depths: which of the encoder's features PatchNCE compares; empty takes all.
        queries: query positions per picture and depth.
        nce_weight: weight of PatchNCE, λ_X.
        identity_nce: take PatchNCE of targets and what G makes of them too, half of the whole; FastCUT does not.
        flip_equivariance: mirror the input of every second step on average, and its output's features back before
            they are compared; FastCUT does.
        memory_bank: vectors at each depth that are the negatives in place of the own picture's, with keys from an
            averaged encoder (MoCo); 0 takes the own picture's.
        momentum: what that encoder keeps of itself at each step.
        separate_encoders: encode outputs by an encoder and an MLP of their own, which share nothing with those of
            inputs (appendix C.5).
        decoder_learns_content: let the decoder learn from PatchNCE too; when off, the adversarial loss alone moves
            it (appendix C.5).
    """

    projection_dimensions: int = bounded(256, ABOVE_0)
    temperature: float = bounded(0.07, ABOVE_0)
    depths: tuple[int, ...] = ()
    queries: int = bounded(256, ABOVE_0)
    nce_weight: float = bounded(1.0, FROM_0)
    identity_nce: bool = True
    flip_equivariance: bool = False
    memory_bank: int = bounded(0, FROM_0)
    momentum: float = bounded(MOMENTUM, SHARE)
    separate_encoders: bool = False
    decoder_learns_content: bool = True
    whole_from: float = bounded(0.5, SHARE)

    @property
    def compared(self) -> tuple[int, ...]:
        """Depths that are compared."""
        return self.depths or tuple(range(self.generator_depths))

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        known = range(self.generator_depths)
        if not set(self.depths) <= set(known) or len(set(self.depths)) < len(self.depths):
            raise ConfigError(
                f"depths must be some of {', '.join(map(str, known))}, each once, or empty for all, got {self.depths}"
            )
        if self.queries < 2 and not self.memory_bank:
            raise ConfigError(f"PatchNCE needs 2 or more queries to have a negative, got {self.queries}")
        if self.memory_bank and self.separate_encoders:
            raise ConfigError(
                "memory_bank takes its keys from an average of the one encoder; set separate_encoders to false"
            )


class FolderCutLosses(NamedTuple):
    """Terms of the objective at one step, before weighting; scalars.

    Attributes:
        adversarial_d: the discriminator's adversarial loss.
        r1: mean squared gradient norm at the targets; 0 where its weight is 0.
        adversarial_g: the generator's adversarial loss.
        nce: PatchNCE of sources and their translations, in nats.
        nce_identity: PatchNCE of targets and what G makes of them, in nats; 0 where it is off.
    """

    adversarial_d: Tensor
    r1: Tensor
    adversarial_g: Tensor
    nce: Tensor
    nce_identity: Tensor


class FolderCutTrainer(FolderGan[FolderCutLosses]):
    """The method's networks, optimisers and step; see `FolderGan` for arguments and more attributes.

    Attributes:
        discriminator: D.
        projection: H, the MLPs before PatchNCE.
        banks: memory banks of sources and of targets, one for each depth; empty where there are none.
    """

    name = "folder-cut"
    settings_type = FolderCutSettings
    settings: FolderCutSettings

    def __init__(
        self,
        sources: Sequence[Path],
        targets: Sequence[Path],
        settings: FolderCutSettings,
        device: torch.device,
    ) -> None:
        super().__init__(sources, targets, settings, device)
        with seeded(settings.seed):
            generator, discriminator = self.make_generator(), self.make_discriminator()
            projection = self._make_projection(generator)
            encoder, head = generator, projection
            if settings.separate_encoders:
                encoder, head = self.make_generator(), self._make_projection(generator)
            banks = [
                [MemoryBank(settings.projection_dimensions, settings.memory_bank) for _ in settings.compared]
                for _ in range(2 if settings.memory_bank else 0)
            ]
        self.generator, self.discriminator = self.placed(generator), self.placed(discriminator)
        self.projection = projection.to(device)
        # What encodes outputs: in the paper's method the same networks.
        self.output_encoder = self.placed(encoder) if settings.separate_encoders else self.generator
        self.output_projection = head.to(device)
        self.banks = [[bank.to(device) for bank in domain] for domain in banks]
        self.average = self.averaged(self.generator)
        self.networks = {
            "generator": self.generator,
            "average": self.average,
            "discriminator": self.discriminator,
            "projection": self.projection,
        }
        learners: list[nn.Module] = [self.generator, self.projection]
        if settings.separate_encoders:
            learners += [self.output_encoder, self.output_projection]
            self.networks |= {
                "output_encoder": self.output_encoder,
                "output_projection": self.output_projection,
            }
        # What encodes keys: with a memory bank, a slow average.
        self.key_encoder, self.key_projection = self.generator, self.projection
        if self.banks:
            self.key_encoder = self.averaged(self.generator)
            self.key_projection = self._make_projection(generator).to(device).requires_grad_(False)
            self.key_projection.load_state_dict(self.projection.state_dict())
            self.networks |= {
                "key_encoder": self.key_encoder,
                "key_projection": self.key_projection,
                "source_banks": nn.ModuleList(self.banks[0]),
                "target_banks": nn.ModuleList(self.banks[1]),
            }
        self.optimizer_g, self.optimizer_d = self.adam(*learners), self.adam(self.discriminator)
        self.optimizers = {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        self.terms = (
            Term("adversarial_d", "Discriminator", self.unit, "D", meaning=TOLD_APART),
            Term("r1", "R1", "squared gradient norm", meaning=SMOOTH),
            Term("adversarial_g", "Generator", self.unit, "G", meaning=PASSES),
            Term("nce", "PatchNCE", "nats", "NCE", meaning=RECOGNISED),
            Term(
                "nce_identity",
                "PatchNCE of targets",
                "nats",
                "NCE_Y" if settings.identity_nce else "",
                meaning=LEFT_ALONE,
            ),
        )

    def step(self, batch: FolderBatch) -> FolderCutLosses:
        """Update D once, then G and H once: source -> target."""
        settings, (source, target) = self.settings, batch
        count = len(source)
        inputs = torch.cat([source, target]) if settings.identity_nce else source
        flipped = settings.flip_equivariance and bool(torch.rand((), generator=self.random) < 0.5)

        seen = inputs.flip(3) if flipped else inputs
        noise = self.noise(seen)
        with self.autocast():
            output, features = self.generator.translate(seen, noise)
        translation = output[:count]

        # Discriminator: targets against detached translations.
        adversarial_d, r1 = self.judge(self.discriminator, target, translation)
        update(self.optimizer_d, adversarial_d + settings.r1_weight / 2 * r1)

        # Generator and projection: fool D, keep the content of sources, and of targets. The gradient through D is taken
        # at once, to free D's maps before the output is encoded; a product with it passes it on unchanged.
        adversarial_g = self.fool(self.discriminator, translation)
        (slope,) = torch.autograd.grad(adversarial_g, translation)
        through_d = (translation * slope).sum()
        keys = self.keys(inputs, None if flipped else features)
        places = self.positions(keys)
        queries = self.queries(output, places, keys, flipped=flipped)
        targets = self.key_vectors(keys, places)
        total = len(inputs)
        nce = self.patch_nce(of_domain(queries, 0, count, total), of_domain(targets, 0, count, total), 0)
        nce_identity = torch.zeros_like(nce)
        if settings.identity_nce:
            nce_identity = self.patch_nce(
                of_domain(queries, count, None, total), of_domain(targets, count, None, total), 1
            )
        content = 0.5 * (nce + nce_identity) if settings.identity_nce else nce
        update(self.optimizer_g, through_d + settings.nce_weight * content)
        self.remember(targets, count, total)
        return FolderCutLosses(
            *(term.detach() for term in (adversarial_d, r1, adversarial_g, nce, nce_identity))
        )

    def keys(self, inputs: Tensor, features: Features | None) -> Features:
        """Features of the inputs; those of the forward pass, where there are any of the encoder that makes keys."""
        if features is not None and self.key_encoder is self.generator:
            return features
        learns = self.settings.separate_encoders
        with self.autocast(), torch.set_grad_enabled(learns):
            return self.key_encoder.encode(inputs)

    def positions(self, keys: Features) -> dict[int, Tensor]:
        """Draw random positions, (N, P) for each depth, the same in all pictures."""
        found = {}
        for depth in self.settings.compared:
            count, _, height, width = keys[depth].shape
            drawn = random_positions(1, height, width, self.settings.queries, self.device_random)
            found[depth] = drawn.expand(count, -1)
        return found

    def queries(
        self, output: Tensor, places: Mapping[int, Tensor], keys: Features, *, flipped: bool
    ) -> list[Tensor]:
        """Vectors of the output, (N P, D) for each depth; of a mirrored output, at the mirrored places."""
        if flipped:
            places = {depth: mirrored(where, keys[depth].shape[3]) for depth, where in places.items()}
        if not self.settings.decoder_learns_content:
            output = output.detach()
        with self.autocast():
            vectors: list[Tensor] = self.output_projection(self.output_encoder.encode_at(output, places))
        return vectors

    def key_vectors(self, keys: Features, places: Mapping[int, Tensor]) -> list[Tensor]:
        """Vectors of the inputs, (N P, D) for each depth."""
        learns = self.settings.separate_encoders
        with self.autocast(), torch.set_grad_enabled(learns):
            vectors: list[Tensor] = self.key_projection(
                [sample_features(keys[depth], where) for depth, where in places.items()]
            )
        return vectors

    def patch_nce(self, queries: Sequence[Tensor], keys: Sequence[Tensor], domain: int) -> Tensor:
        """PatchNCE of pictures of one domain, averaged over the depths.

        A query's negatives are the other keys of its own picture, or those of its domain's memory bank.
        """
        temperature, losses = self.settings.temperature, []
        for depth, (query, key) in enumerate(zip(queries, keys, strict=True)):
            if self.banks:
                bank = self.banks[domain][depth].vectors
                losses.append(bank_nce(query, key, bank, temperature=temperature))
                continue
            images = self.settings.batch_size
            loss = patch_nce(query, key, temperature=temperature, images=images)
            if self.settings.separate_encoders:
                loss = 0.5 * (loss + patch_nce(key, query, temperature=temperature, images=images))
            losses.append(loss)
        return torch.stack(losses).mean()

    @torch.no_grad()
    def remember(self, keys: Sequence[Tensor], count: int, total: int) -> None:
        """Let the encoder of keys follow, and put this step's keys into the banks."""
        if not self.banks:
            return
        update_average(self.key_encoder, self.generator, self.settings.momentum)
        update_average(self.key_projection, self.projection, self.settings.momentum)
        parts = [(0, count), (count, None)] if self.settings.identity_nce else [(0, count)]
        for banks, (start, stop) in zip(self.banks, parts, strict=False):
            for bank, vectors in zip(banks, of_domain(keys, start, stop, total), strict=True):
                bank.enqueue(vectors)

    def _make_projection(self, generator: GeneratorBase) -> Projection:
        channels = [generator.feature_channels[depth] for depth in self.settings.compared]
        return Projection(channels, self.settings.projection_dimensions)


def of_domain(vectors: Sequence[Tensor], start: int, stop: int | None, pictures: int) -> list[Tensor]:
    """The vectors of the pictures from start to stop, out of those of all pictures, (N P, D) at each depth."""
    return [each.view(pictures, -1, each.shape[1])[start:stop].flatten(end_dim=1) for each in vectors]


def mirrored(positions: Tensor, width: int) -> Tensor:
    """Positions in a map of a width, (N, P), seen in a mirror."""
    column = positions % width
    return positions - column + width - 1 - column
