"""The list of pretrained weights, with their sources, sizes and checksums."""

from collections.abc import Mapping
from dataclasses import dataclass

from sinct.errors import WeightsError


@dataclass(frozen=True)
class WeightFile:
    """One file of weights.

    Attributes:
        name: the name by which methods and measures ask for it.
        file: its file name.
        url: where it is downloaded from.
        size: size in bytes; None if it is not published.
        sha256: its checksum in hexadecimal, or the beginning of it; None if it is not published. In that case the
            checksum of the first download is stored beside the file and must match from then on.
        licence: SPDX identifier.
        source: who made it and what it is.
        used_for: methods and measures that need it.
    """

    name: str
    file: str
    url: str
    size: int | None
    sha256: str | None
    licence: str
    source: str
    used_for: str

    @property
    def size_in_words(self) -> str:
        """Its size as text."""
        if self.size is None:
            return "size not published"
        return f"{self.size / 1e6:.1f} MB" if self.size >= 1e5 else f"{self.size / 1e3:.1f} KB"

    @property
    def checksum_in_words(self) -> str:
        """Its checksum as text, or what is known of it."""
        if self.sha256 is None:
            return "sha256 not published"
        return f"sha256 {self.sha256}" if len(self.sha256) == 64 else f"sha256 begins with {self.sha256}"

    @property
    def description(self) -> str:
        """Size and checksum, or that they are not published."""
        return f"{self.size_in_words}, {self.checksum_in_words}"


_TORCHVISION = "https://download.pytorch.org/models/"
_WCT2 = (
    "https://raw.githubusercontent.com/clovaai/WCT2/"
    "902c3a143f3386bc313a0c6fbae42f3d41aca15b/model_checkpoints/"
)

# The names of torchvision's files contain the first eight digits of their checksums. Sizes and the other digits
# are taken from several projects that pin these files.
FILES: Mapping[str, WeightFile] = {
    row.name: row
    for row in (
        WeightFile(
            name="vgg16",
            file="vgg16-397923af.pth",
            url=_TORCHVISION + "vgg16-397923af.pth",
            size=553_433_881,
            sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            licence="BSD-3-Clause",
            source="torchvision, VGG16_Weights.IMAGENET1K_V1: VGG-16 trained on ImageNet",
            used_for="STROTSS, LPIPS, DISTS",
        ),
        WeightFile(
            name="vgg19",
            file="vgg19-dcbb9e9d.pth",
            url=_TORCHVISION + "vgg19-dcbb9e9d.pth",
            size=574_673_361,
            sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
            licence="BSD-3-Clause",
            source="torchvision, VGG19_Weights.IMAGENET1K_V1: VGG-19 trained on ImageNet",
            used_for="Gatys et al.",
        ),
        WeightFile(
            name="wct2_encoder",
            file="wave_encoder_cat5_l4.pth",
            url=_WCT2 + "wave_encoder_cat5_l4.pth",
            size=None,
            sha256=None,
            licence="MIT",
            source="NAVER, github.com/clovaai/WCT2: encoder with wavelet pooling, option cat5",
            used_for="WCT2",
        ),
        WeightFile(
            name="wct2_decoder",
            file="wave_decoder_cat5_l4.pth",
            url=_WCT2 + "wave_decoder_cat5_l4.pth",
            size=None,
            sha256=None,
            licence="MIT",
            source="NAVER, github.com/clovaai/WCT2: decoder with wavelet unpooling, option cat5",
            used_for="WCT2",
        ),
        WeightFile(
            name="inception",
            file="weights-inception-2015-12-05-6726825d.pth",
            url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
            "weights-inception-2015-12-05-6726825d.pth",
            size=95_628_359,
            sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            licence="Apache-2.0",
            source="torch-fidelity: Inception as FID uses it, converted from TensorFlow; the same file as "
            "pytorch-fid's pt_inception-2015-12-05-6726825d.pth",
            used_for="SIFID, patch KID, ArtFID; FID, KID and clean-FID of folders",
        ),
        WeightFile(
            name="lpips_vgg16",
            file="vgg.pth",
            url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/vgg.pth",
            size=7_289,
            sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
            licence="BSD-2-Clause",
            source="LPIPS: weights of VGG-16's channels, version 0.1",
            used_for="LPIPS, ArtFID",
        ),
        WeightFile(
            name="dists",
            file="weights.pt",
            url="https://raw.githubusercontent.com/dingkeyan93/DISTS/master/DISTS_pytorch/weights.pt",
            size=12_288,
            sha256="f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
            licence="MIT",
            source="DISTS: weights of VGG-16's channels",
            used_for="DISTS",
        ),
        WeightFile(
            name="drn_d_22",
            file="drn_d_22-4bd2f8ea.pth",
            url="https://tigress-web.princeton.edu/~fy/drn/models/drn_d_22-4bd2f8ea.pth",
            size=None,
            sha256="4bd2f8ea",
            licence="BSD-3-Clause",
            source="Fisher Yu, github.com/fyu/drn: DRN-D-22 trained on ImageNet",
            used_for="the start of a network for the scores of street scenes (`sinct folders segmenter`)",
        ),
        WeightFile(
            name="deeplab_v2",
            file="deeplabv2_resnet101_msc-cocostuff164k-100000.pth",
            url="https://github.com/kazuto1011/deeplab-pytorch/releases/download/v1.0/"
            "deeplabv2_resnet101_msc-cocostuff164k-100000.pth",
            size=None,
            sha256=None,
            licence="MIT",
            source="Kazuto Nakashima, github.com/kazuto1011/deeplab-pytorch: DeepLab v2 with ResNet-101 trained on "
            "COCO-Stuff 164k, whose annotations are CC BY 4.0",
            used_for="shares of classes (`sinct folders shares`)",
        ),
    )
}
"""All weights by name; to add a file, add a row."""


def find(name: str) -> WeightFile:
    """The file with this name.

    Raises:
        WeightsError: there is no such file.
    """
    if name not in FILES:
        raise WeightsError(f"unknown weights {name!r}; there are {', '.join(FILES)}")
    return FILES[name]
