"""A word to those who write in another language than English."""

# ruff: noqa: RUF001  # these languages have a punctuation of their own

import re

_SCRIPTS = (
    ("[\u3040-\u30ff]", "申し訳ありませんが、英語しか理解できません。何も変更していません。"),
    ("[\u4e00-\u9fff]", "抱歉，我只懂英语。我没有更改任何内容。"),
    ("[\u0410-\u044f]", "Извините, я понимаю только английский. Я ничего не изменил."),
    ("[\u0621-\u064a]", "عذرًا، أنا أفهم الإنجليزية فقط. لم أغيّر شيئًا."),
    ("[\u0900-\u097f]", "क्षमा करें, मैं केवल अंग्रेज़ी समझता हूँ। मैंने कुछ नहीं बदला।"),
)
# Letters that Russian and Arabic do not have, but other languages in their scripts do.
_OTHERS = re.compile("[\u0404\u0406\u0407\u0454\u0456\u0457\u0490\u0491\u067e\u0686\u0698\u06a9\u06af\u06cc]")

# Words that are none in English, and that few sentences do without.
_WORDS = (
    (
        "ich du mir mich nicht und oder bitte danke hallo mein meine meiner meinen der das ist auf zu für"
        " noch eine einen zeig zeige füge lösche kannst wie steht liste",
        "Entschuldigung, ich verstehe nur Englisch. Ich habe nichts geändert.",
    ),
    (
        "hola gracias favor el los las en mi mis qué que cómo añade añadir agrega borra elimina muestra leche"
        " tengo puedes una por lista",
        "Lo siento, solo entiendo inglés. No he cambiado nada.",
    ),
    (
        "bonjour salut merci je j'ai le les des du et à mon ma mes moi une ajoute ajouter supprime montre est"
        " peux dois qu'est ce que quoi sur liste",
        "Désolé, je ne comprends que l'anglais. Je n'ai rien changé.",
    ),
    (
        "olá oi obrigado obrigada não você na meu minha minhas que uma adicione apague mostre leite"
        " tenho fazer preciso por lista",
        "Desculpe, só entendo inglês. Não mudei nada.",
    ),
)
_LEXICON = [(frozenset(words.split()), sentence) for words, sentence in _WORDS]
_ENOUGH = 2  # words; one is enough among few
_FEW_WORDS = 3
_SHARE = 4  # one letter in so many tells the script: Japanese has Chinese ones between its own


def only_english(text: str) -> str:
    """A sentence in the language of the text that says so; empty for English, and for any other language."""
    letters = sum(map(str.isalpha, text))
    for script, sentence in _SCRIPTS:
        if 0 < letters <= _SHARE * len(re.findall(script, text)):
            return "" if _OTHERS.search(text) else sentence
    words = re.findall(r"[\w']+", text.lower().replace("\u2019", "'"))
    known, sentence = max(
        ((len(lexicon & {*words}), said) for lexicon, said in _LEXICON), key=lambda it: it[0]
    )
    return sentence if known >= _ENOUGH or (known == 1 and len(words) <= _FEW_WORDS) else ""
