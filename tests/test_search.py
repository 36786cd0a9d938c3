"""Ask the built book's own search what people ask in public, in their words; the answer must stand near the top."""

from urllib.parse import quote

import pytest
from pages import context, page_in
from playwright.sync_api import expect

FIXES, CHAPTER_2 = "book/when_it_does_not_work", "book/02_one_frame_at_a_time"
CHAPTER_4, CHAPTER_6 = "book/04_cnn_rnn_hybrids", "book/06_choosing_an_architecture"
CHAPTER_7 = "book/07_your_own_video"
FIRST = 5  # pages that somebody looks at

ASKED = [  # the words, the page that answers, where it was asked: repository and number of the issue on GitHub
    ("expected ndim=5, found ndim=4", FIXES, "rstudio/keras3#220"),
    ("expected 5-dimensional input", FIXES, "KaiyangZhou/deep-person-reid#256"),
    ("sequences of grayscale images", FIXES, "keras-team/keras#7927"),
    ("LSTM expected ndim=3, found ndim=2", FIXES, "keras-team/keras#11506"),
    ("combine CNN and LSTM", FIXES, "keras-team/keras#401"),
    ("negative dimension size", FIXES, "gokriznastic/HybridSN#3"),
    ("logits and labels must have the same shape", FIXES, "fchollet/deep-learning-with-python-notebooks#216"),
    ("ResourceExhaustedError OOM batch_size", FIXES, "alexlee-gk/video_prediction#6"),
    ("input ran out of data", FIXES, "williamfzc/stagesepx#145"),
    ("could not find cuda drivers", FIXES, "tensorflow/tensorflow#66750"),
    ("training loss doesn't decrease", FIXES, "xiaogangLi/tensorflow-VTN#2"),
    ("same labels for all videos", FIXES, "keras-team/keras#5101"),
    ("class imbalance", FIXES, "facebookresearch/SlowFast#338"),
    ("loss nan", FIXES, "jfzhang95/pytorch-video-recognition#17"),
    ("LSTM overfitting", FIXES, "keras-team/keras#9024"),
    ("validation accuracy 100%", FIXES, "Ectsang/3D-CNN-Keras#1"),
    ("different results evaluate predict", FIXES, "keras-team/keras#5140"),
    ("save and load giving different result", FIXES, "keras-team/keras#4875"),
    ("order of frame sequences wrong", FIXES, "jfzhang95/pytorch-video-recognition#30"),
    ("BGR to RGB", FIXES, "alankbi/detecto#113"),
    ("divided by 255", FIXES, "experiencor/keras-yolo2#21"),
    ("pretrained TimeDistributed", FIXES, "keras-team/keras#5533"),
    ("fine-tuning BatchNormalization", FIXES, "keras-team/keras#9965"),
    ("TimeDistributed layer", CHAPTER_4, "keras-team/keras#16894"),
    ("masking TimeDistributed", CHAPTER_4, "keras-team/keras#10028"),
    ("difference ConvLSTM CNN LSTM", CHAPTER_4, "tcapelle/action_recognition#3"),
    ("different length videos LSTM", CHAPTER_4, "keras-team/keras#13375"),
    ("ImageDataGenerator video", CHAPTER_7, "keras-team/keras#11977"),
    ("video data out of memory", CHAPTER_7, "keras-team/keras#9714"),
    ("train test split videos", CHAPTER_7, "jfzhang95/pytorch-video-recognition#16"),
    ("video augmentation", CHAPTER_7, "kornia/kornia#492"),
    ("how many frames are sampled", CHAPTER_7, "mbzuai-oryx/Video-ChatGPT#99"),
    ("own dataset", CHAPTER_7, "dmlc/gluon-cv#1100"),
    ("frames stacked as channels", CHAPTER_2, "wadhwasahil/Video-Classification-2-Stream-CNN#19"),
]


@pytest.fixture(scope="module")
def shared(browser):
    with context(browser) as opened_context:
        yield opened_context


@pytest.mark.parametrize(("words", "page_name"), [(words, name) for words, name, _ in ASKED])
def test_what_people_ask_is_found(shared, book, words, page_name):
    with page_in(shared, f"{book.url}/search.html?q={quote(words)}") as page:
        expect(page.locator("#search-results > h2")).to_have_text("Search Results")
        links = page.locator("ul.search li > a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    found = list(dict.fromkeys(link.split(".html")[0] for link in links))
    assert page_name in found[:FIRST], found[:10]
