"""Ask the built book's own search what people ask, in their words; the answer must stand near the top."""

import pytest
from pages import context, page_in
from playwright.sync_api import expect

FIXES, CHAPTER_1, CHAPTER_2 = "book/when_it_does_not_work", "book/01_clips_as_tensors", "book/02_one_frame_at_a_time"
CHAPTER_3, CHAPTER_4, CHAPTER_5 = "book/03_3d_convolutions", "book/04_cnn_rnn_hybrids", "book/05_temporal_pooling"
CHAPTER_6, CHAPTER_7 = "book/06_choosing_an_architecture", "book/07_your_own_video"
GUIDE, SET_UP, WHERE, GLOSSARY = "book/decision_guide", "book/how_to_use", "book/where_it_runs", "book/glossary"
NAMED, TEACH, GRADING = "book/named_models", "book/instructor_guide", "book/grading"
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

TYPED = [  # what a reader types into the book's own field, and the page that must be the first
    ("which architecture", GUIDE),
    ("which model should I use", GUIDE),
    ("best model for image sequence classification", GUIDE),
    ("3D CNN vs LSTM", GUIDE),
    ("install", SET_UP),
    ("installation", SET_UP),
    ("how do I set up", SET_UP),
    ("getting started", SET_UP),
    ("prerequisites", SET_UP),
    ("license", SET_UP),
    ("Windows", WHERE),
    ("Google Colab", WHERE),
    ("GPU", WHERE),
    ("homework", GRADING),
    ("slides", TEACH),
    ("minimal pairs", CHAPTER_1),
    ("confidence interval", CHAPTER_1),
    ("separable convolution", CHAPTER_3),
    ("real-time", CHAPTER_4),
    ("webcam", CHAPTER_4),
    ("GRU", CHAPTER_4),
    ("RNN", GLOSSARY),
    ("CNN", GLOSSARY),
    ("MACs", GLOSSARY),
    ("optical flow", NAMED),
    ("anomaly detection", CHAPTER_5),
    ("motion detection", CHAPTER_5),
    ("inference speed", CHAPTER_6),
    ("GFLOPs", CHAPTER_6),
    ("transfer learning", CHAPTER_7),
    ("not enough data", CHAPTER_7),
    ("fps", CHAPTER_7),
    ("SlowFast", NAMED),
]


@pytest.fixture(scope="module")
def shared(browser):
    with context(browser) as opened_context:
        yield opened_context


@pytest.fixture(scope="module")
def search_page(shared, book):
    """The search, opened as a file: so it must work there, and no page of the results is fetched."""
    with page_in(shared, (book.html / "search.html").as_uri()) as page:
        yield page


def pages_found(page, words):
    """The pages that the search finds, the best first."""
    page.evaluate("document.getElementById('search-results').replaceChildren()")
    page.evaluate("words => Search.performSearch(words)", words)
    expect(page.locator("#search-results > h2")).to_have_text("Search Results")
    links = page.locator("ul.search li > a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    return list(dict.fromkeys(link.split(".html")[0] for link in links))


@pytest.mark.parametrize(("words", "page_name"), [(words, name) for words, name, _ in ASKED])
def test_what_people_ask_is_found(search_page, words, page_name):
    found = pages_found(search_page, words)
    assert page_name in found[:FIRST], found[:10]


@pytest.mark.parametrize(("words", "page_name"), TYPED)
def test_what_a_reader_types_is_found_first(search_page, words, page_name):
    found = pages_found(search_page, words)
    assert page_name == found[0], found[:10]


def test_words_that_no_page_has_together_still_find_pages(search_page):
    found = pages_found(search_page, "statistics of neutrons and postcards")
    assert CHAPTER_5 in found  # the postcards on the stairs
    assert pages_found(search_page, "zymurgy") == []


def test_an_excerpt_is_of_the_text_and_shows_what_was_found(shared, book):
    """No title again, no button, no player, no setup cell; of a term, its definition."""
    with page_in(shared, f"{book.url}/search.html?q=stairs%20postcards") as page:
        expect(page.locator("ul.search p.context").first).to_contain_text("on the stairs")
    with page_in(shared, f"{book.url}/search.html?q=frame") as page:
        expect(page.locator("#search-results > h2")).to_have_text("Search Results")
        expect(page.locator("ul.search li:not(:has(p.context, span))")).to_have_count(0)
        excerpts = page.locator("ul.search p.context").all_text_contents()
    assert "One image of a clip, (H, W, C)." in excerpts[0]
    aside = ("Skip to", "Contents", ".pdf", "Show code", "Hide code", "Play \u2039", "frame 0 of", "Setup, the same")
    for excerpt in excerpts:
        assert excerpt and not [words for words in aside if words in excerpt], excerpt


def test_no_page_reports_an_error_when_it_is_opened_as_a_file(shared, book):
    with page_in(shared, f"{(book.html / 'search.html').as_uri()}?q=frame") as page:
        expect(page.locator("#search-results > h2")).to_have_text("Search Results")
        for file in sorted(book.html.rglob("*.html")):
            if "_static" not in file.parts:
                page.goto(file.as_uri())
