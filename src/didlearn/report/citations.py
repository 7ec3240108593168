"""The papers that more than one page cites, and any paper as BibTeX and as a name and a year."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from didlearn.audit.method import Paper


def _talk(authors: str, title: str, year: int, where: str) -> Paper:
    return Paper("inproceedings", tuple(authors.split("; ")), title, year, (("booktitle", where),))


def _article(authors: str, title: str, year: int, journal: str, volume: str = "", pages: str = "") -> Paper:
    fields = (("journal", journal), ("volume", volume), ("pages", pages))
    return Paper("article", tuple(authors.split("; ")), title, year, tuple(f for f in fields if f[1]))


def _preprint(authors: str, title: str, year: int, number: str) -> Paper:
    return Paper("misc", tuple(authors.split("; ")), title, year, (("eprint", number), ("archiveprefix", "arXiv")))


_ICLR, _ICML = "International Conference on Learning Representations", "International Conference on Machine Learning"
_AISTATS = "International Conference on Artificial Intelligence and Statistics"
_CVPR = "IEEE/CVF Conference on Computer Vision and Pattern Recognition"
_NEURIPS = "Advances in Neural Information Processing Systems"

PAPERS: Final = {
    "alaa2022": _talk(
        "Alaa, Ahmed; van Breugel, Boris; Saveliev, Evgeny; van der Schaar, Mihaela",
        "How faithful is your synthetic data? Sample-level metrics for evaluating and auditing generative models",
        2022,
        _ICML,
    ),
    "arora2018": _talk(
        "Arora, Sanjeev; Risteski, Andrej; Zhang, Yi",
        "Do {GANs} learn the distribution? Some theory and empirics",
        2018,
        _ICLR,
    ),
    "binkowski2018": _talk(
        "Bińkowski, Mikołaj; Sutherland, Danica J.; Arbel, Michael; Gretton, Arthur",
        "Demystifying {MMD} {GANs}",
        2018,
        _ICLR,
    ),
    "berthet2026": _preprint(
        "Berthet, Quentin; Wu, Yu-Han; Crepy, Clément; Elie, Romuald; Greff, Klaus; Sander, Michaël E.",
        "{MIND}: {Monge} inception distance for generative models evaluation",
        2026,
        "2605.06797",
    ),
    "chao1984": _article(
        "Chao, Anne",
        "Nonparametric estimation of the number of classes in a population",
        1984,
        "Scandinavian Journal of Statistics",
        "11",
        "265--270",
    ),
    "delong1988": _article(
        "DeLong, Elizabeth R.; DeLong, David M.; Clarke-Pearson, Daniel L.",
        "Comparing the areas under two or more correlated receiver operating characteristic curves: "
        "a nonparametric approach",
        1988,
        "Biometrics",
        "44",
        "837--845",
    ),
    "friedman2023": _article(
        "Friedman, Dan; Dieng, Adji Bousso",
        "The {Vendi} score: a diversity evaluation metric for machine learning",
        2023,
        "Transactions on Machine Learning Research",
    ),
    "friedman2024": _preprint(
        "Friedman, Roy; Weiss, Yair", "Intriguing properties of modern {GANs}", 2024, "2402.14098"
    ),
    "good1953": _article(
        "Good, I. J.",
        "The population frequencies of species and the estimation of population parameters",
        1953,
        "Biometrika",
        "40",
        "237--264",
    ),
    "grosse2015": _preprint(
        "Grosse, Roger B.; Ghahramani, Zoubin; Adams, Ryan P.",
        "Sandwiching the marginal likelihood using bidirectional {Monte Carlo}",
        2015,
        "1511.02543",
    ),
    "hayes2007": _article(
        "Hayes, Andrew F.; Krippendorff, Klaus",
        "Answering the call for a standard reliability measure for coding data",
        2007,
        "Communication Methods and Measures",
        "1",
        "77--89",
    ),
    "he2016": _talk(
        "He, Kaiming; Zhang, Xiangyu; Ren, Shaoqing; Sun, Jian",
        "Deep residual learning for image recognition",
        2016,
        _CVPR,
    ),
    "heusel2017": _talk(
        "Heusel, Martin; Ramsauer, Hubert; Unterthiner, Thomas; Nessler, Bernhard; Hochreiter, Sepp",
        "{GANs} trained by a two time-scale update rule converge to a local {Nash} equilibrium",
        2017,
        _NEURIPS,
    ),
    "huang2017": _talk(
        "Huang, Gao; Liu, Zhuang; van der Maaten, Laurens; Weinberger, Kilian Q.",
        "Densely connected convolutional networks",
        2017,
        _CVPR,
    ),
    "jayasumana2024": _talk(
        "Jayasumana, Sadeep; Ramalingam, Srikumar; Veit, Andreas; Glasner, Daniel; Chakrabarti, Ayan; Kumar, Sanjiv",
        "Rethinking {FID}: towards a better evaluation metric for image generation",
        2024,
        _CVPR,
    ),
    "karras2019": _talk(
        "Karras, Tero; Laine, Samuli; Aila, Timo",
        "A style-based generator architecture for generative adversarial networks",
        2019,
        _CVPR,
    ),
    "kynkaanniemi2019": _talk(
        "Kynkäänniemi, Tuomas; Karras, Tero; Laine, Samuli; Lehtinen, Jaakko; Aila, Timo",
        "Improved precision and recall metric for assessing generative models",
        2019,
        _NEURIPS,
    ),
    "langsrud2005": _article("Langsrud, Øyvind", "Rotation tests", 2005, "Statistics and Computing", "15", "53--60"),
    "mardia1970": _article(
        "Mardia, K. V.",
        "Measures of multivariate skewness and kurtosis with applications",
        1970,
        "Biometrika",
        "57",
        "519--530",
    ),
    "meehan2020": _talk(
        "Meehan, Casey; Chaudhuri, Kamalika; Dasgupta, Sanjoy",
        "A non-parametric test to detect data-copying in generative models",
        2020,
        _AISTATS,
    ),
    "naeem2020": _talk(
        "Naeem, Muhammad Ferjad; Oh, Seong Joon; Uh, Youngjung; Choi, Yunjey; Yoo, Jaejun",
        "Reliable fidelity and diversity metrics for generative models",
        2020,
        _ICML,
    ),
    "nalisnick2019": _preprint(
        "Nalisnick, Eric; Matsukawa, Akihiro; Teh, Yee Whye; Lakshminarayanan, Balaji",
        "Detecting out-of-distribution inputs to deep generative models using typicality",
        2019,
        "1906.02994",
    ),
    "nash2021": _talk(
        "Nash, Charlie; Menick, Jacob; Dieleman, Sander; Battaglia, Peter",
        "Generating images with sparse representations",
        2021,
        _ICML,
    ),
    "neal2001": _article(
        "Neal, Radford M.", "Annealed importance sampling", 2001, "Statistics and Computing", "11", "125--139"
    ),
    "oquab2023": _preprint(
        "Oquab, Maxime; others",
        "{DINOv2}: learning robust visual features without supervision",
        2023,
        "2304.07193",
    ),
    "pinetz2019": Paper(
        "misc",
        ("Pinetz, Thomas", "Soukup, Daniel", "Pock, Thomas"),
        "Impact of the latent space on the ability of {GANs} to fit the distribution",
        2019,
        (("howpublished", "OpenReview"), ("note", "Submission Hygy01StvH to ICLR 2020")),
    ),
    "radford2021": _talk(
        "Radford, Alec; others",
        "Learning transferable visual models from natural language supervision",
        2021,
        _ICML,
    ),
    "salimans2016": _talk(
        "Salimans, Tim; Goodfellow, Ian; Zaremba, Wojciech; Cheung, Vicki; Radford, Alec; Chen, Xi",
        "Improved techniques for training {GANs}",
        2016,
        _NEURIPS,
    ),
    "seddik2020": _talk(
        "Seddik, Mohamed El Amine; Louart, Cosme; Tamaazousti, Mohamed; Couillet, Romain",
        "Random matrix theory proves that deep learning representations of {GAN}-data behave as {Gaussian} mixtures",
        2020,
        _ICML,
    ),
    "sedghi2019": _talk(
        "Sedghi, Hanie; Gupta, Vineet; Long, Philip M.",
        "The singular values of convolutional layers",
        2019,
        _ICLR,
    ),
    "simonyan2015": _talk(
        "Simonyan, Karen; Zisserman, Andrew",
        "Very deep convolutional networks for large-scale image recognition",
        2015,
        _ICLR,
    ),
    "szegedy2016": _talk(
        "Szegedy, Christian; Vanhoucke, Vincent; Ioffe, Sergey; Shlens, Jonathon; Wojna, Zbigniew",
        "Rethinking the {Inception} architecture for computer vision",
        2016,
        _CVPR,
    ),
    "tipping1999": _article(
        "Tipping, Michael E.; Bishop, Christopher M.",
        "Mixtures of probabilistic principal component analyzers",
        1999,
        "Neural Computation",
        "11",
        "443--482",
    ),
    "valiant2017": _article(
        "Valiant, Gregory; Valiant, Paul",
        "Estimating the unseen: improved estimators for entropy and other properties",
        2017,
        "Journal of the ACM",
        "64",
    ),
    "wachter1980": _article(
        "Wachter, Kenneth W.",
        "The limiting empirical measure of multiple discriminant ratios",
        1980,
        "The Annals of Statistics",
        "8",
        "937--957",
    ),
    "webster2019": _talk(
        "Webster, Ryan; Rabin, Julien; Simon, Loïc; Jurie, Frédéric",
        "Detecting overfitting of deep generative networks via latent recovery",
        2019,
        _CVPR,
    ),
    "white2016": _preprint("White, Tom", "Sampling generative networks", 2016, "1609.04468"),
    "wu2017": _talk(
        "Wu, Yuhuai; Burda, Yuri; Salakhutdinov, Ruslan; Grosse, Roger",
        "On the quantitative analysis of decoder-based generative models",
        2017,
        _ICLR,
    ),
}


def cite(papers: Iterable[Paper]) -> str:
    """Return a citation in brackets: ``(Arora et al., 2018; Good, 1953)``; empty for no papers."""
    names = dict.fromkeys(paper.short for paper in papers)
    return f"({'; '.join(names)})" if names else ""


def bibtex(papers: Mapping[str, Paper], version: str) -> str:
    """Return BibTeX entries, in order of their keys, for papers and for this software."""
    entries = [_entry(key, papers[key]) for key in sorted(papers)]
    return "\n\n".join([*entries, _software(version)])


def _entry(key: str, paper: Paper) -> str:
    people = " and ".join(paper.authors)
    fields = (("author", people), ("title", paper.title), ("year", str(paper.year)), *paper.fields)
    return _written(paper.kind, key, fields)


def _software(version: str) -> str:
    number = re.sub(r"[^\w.+-]", "", version)
    title = "didlearn: did the generative model learn its distribution?"
    fields = [("author", "{The didlearn authors}"), ("title", title), ("note", f"Version {number}" if number else "")]
    return _written("misc", "didlearn", [field for field in fields if field[1]])


def _written(kind: str, key: str, fields: Iterable[tuple[str, str]]) -> str:
    lines = [f"  {name} = {{{value}}}" for name, value in fields]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"
