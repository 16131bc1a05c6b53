/** A character of Chinese or Japanese, for regular expressions. A line end between two of them is no space. */
export const CJK = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uffef]`;
