package idptest

import "strings"

// vocabulary is what scripts can say of one way of signing in.
type vocabulary struct {
	verbs   []verb
	word    func(*script, string) (value string, known bool, err error) // what a word of fill stands for; nil: it has none
	account func(options map[string]string) string                      // the key of the setup file for who is declared with it; nil or empty: none
}

// vocabularies are those of the factors, one line each.
var vocabularies = []vocabulary{
	passwordVocabulary,
	totpVocabulary,
	smsVocabulary,
	recoveryVocabulary,
	organisationVocabulary,
}

// passwordVocabulary is what scripts say of passwords.
var passwordVocabulary = vocabulary{word: func(_ *script, word string) (string, bool, error) {
	value, known := map[string]string{"password": Password, "new": NewPassword, "wrong": "helaas, dit is hem niet!"}[word]
	return value, known, nil
}}

// meant is what a value of fill stands for: itself, where no factor knows it.
func (s *script) meant(value string) (string, error) {
	if value == "number" {
		return s.number, nil
	}
	for _, v := range vocabularies {
		if v.word == nil {
			continue
		}
		if meant, known, err := v.word(s, value); known || err != nil {
			return meant, err
		}
	}
	return value, nil
}

// enrolled are the lines that an account with two-step authentication is declared with.
func enrolled(options map[string]string) string {
	for _, v := range vocabularies {
		if v.account == nil {
			continue
		}
		if way := v.account(options); way != "" {
			return "\n        " + way + "\n        recovery_codes: [" + strings.Join(Recoveries, ", ") + "]"
		}
	}
	return ""
}
