package ui_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/ui"
)

var placeholders = regexp.MustCompile(`\{[a-z_]+\}`)

func TestTextsAreTheSameInBothLanguages(t *testing.T) {
	for _, key := range whole.Keys() {
		nl, en := whole.Texts()["nl"][key], whole.Texts()["en"][key]
		if nl == "" || en == "" {
			t.Errorf("%s: nl %q, en %q", key, nl, en)
		}
		if a, b := names(nl), names(en); !slices.Equal(a, b) {
			t.Errorf("%s: placeholders %v in nl, %v in en", key, a, b)
		}
		if strings.Contains(nl, " // ") != strings.Contains(en, " // ") {
			t.Errorf("%s: one form in one language, two in the other", key)
		}
	}
	if len(whole.Texts()["en"]) != len(whole.Texts()["nl"]) {
		t.Errorf("%d texts in nl, %d in en", len(whole.Texts()["nl"]), len(whole.Texts()["en"]))
	}
}

func names(text string) []string {
	found := placeholders.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// chosen are the keys that a method of view chooses by what it knows of the platform.
var chosen = []string{
	"footer.help_both", "footer.help_email", "footer.help_phone", "footer.help_none",
	"helper.client", "helper.professional", "crisis.nl", "crisis.gb", "crisis.de",
	"common.error_prefix", "devices.name", "devices.unknown", "devices.app", "choose.other",
	"duration.minutes", "duration.hours",
}

// wordOfRecord is a text that is chosen by a word of the record or of package staff; a test of login/admin has them all.
var wordOfRecord = regexp.MustCompile(`^staff\.(kind|why|by|reason|identified)_`)

// TestTextsAreUsed compares the catalogue with what templates name, what samples pass and what is chosen.
func TestTextsAreUsed(t *testing.T) {
	used := slices.Concat(chosen, whole.ChoiceTexts(), whole.ChosenTexts())
	for _, right := range staff.Rights() { // pages of staff offer the words of an act
		for _, word := range right.Act.Reasons() {
			used = append(used, word.TextKey())
		}
	}
	for _, word := range staff.Identifications() {
		used = append(used, word.TextKey())
	}
	named := regexp.MustCompile(`\.T "([^"]+)"`)
	sources, err := whole.Sources()
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		for _, m := range named.FindAllStringSubmatch(source, -1) {
			used = append(used, m[1])
		}
	}
	for _, samples := range whole.Samples() {
		for _, s := range samples {
			for _, e := range s.Errors {
				used = append(used, e.Key, "field."+e.Field)
			}
			for _, w := range s.Ways {
				used = append(used, w.Text)
			}
			for _, key := range stringsIn(reflect.ValueOf(s.Data)) {
				if whole.Texts()["nl"][key] != "" {
					used = append(used, key)
				}
			}
		}
	}
	for _, key := range used {
		if whole.Texts()["nl"][key] == "" {
			t.Errorf("%s is used and has no text", key)
		}
	}
	for _, key := range whole.Keys() {
		if !slices.Contains(used, key) && !strings.HasPrefix(key, "mail.") && !strings.HasPrefix(key, "mail_") && !strings.HasPrefix(key, "sms_message.") && // those: notify
			!wordOfRecord.MatchString(key) { // those: login/admin
			t.Errorf("%s is not used", key)
		}
	}
}

// stringsIn are all strings in a page's data, however deep.
func stringsIn(v reflect.Value) (all []string) {
	switch v.Kind() {
	case reflect.String:
		return []string{v.String()}
	case reflect.Interface:
		return stringsIn(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			all = append(all, stringsIn(v.Field(i))...)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			all = append(all, stringsIn(v.Index(i))...)
		}
	}
	return all
}

// TestTextsKeepOurWords holds the words that the interface does not use, and those that it uses in one spelling only.
func TestTextsKeepOurWords(t *testing.T) {
	for lang, forbidden := range map[string]*regexp.Regexp{
		"nl": regexp.MustCompile(`\b(?i:2fa|mfa|token|credentials|sessie|verificatie|ongeldige?|vereist|` +
			`resetten|gereset|intrekken|ingetrokken|trek \S+ in|(in|uit)(ge)?schakel(en|d)|schakel \S+ (in|uit))\b|\bSMS\b`),
		"en": regexp.MustCompile(`(?i)\b(2fa|mfa|token|credentials|session|verification|invalid|sms|revoked?|` +
			`sign(ed|ing)?[ -]in|login in|authori[z]\w+|recogni[z]\w+|organi[z]ation)\b|\? Then `),
	} {
		for key, text := range whole.Texts()[lang] {
			if word := forbidden.FindString(text); word != "" {
				t.Errorf("%s %s: %q in %q", lang, key, word, text)
			}
		}
	}
}

// capitalised are the names that a Dutch sentence may hold. Labels of ours are in quotes there.
var capitalised = regexp.MustCompile(`\b(App Store|Google (Play|Authenticator)|Microsoft (Authenticator|Entra ID|Entra|AD FS)|OpenID Connect|NameID|SAML|DNS|ICT|Engels|QR-code|Samaritans|TelefonSeelsorge)\b`)

// TestDutchSentencesHoldNoCapitals: Dutch has one where a sentence begins, and in names.
func TestDutchSentencesHoldNoCapitals(t *testing.T) {
	quoted, ends := regexp.MustCompile(`‘[^’]*’`), regexp.MustCompile(`[.?!:]\s`)
	inside := regexp.MustCompile(`\S\s+(\p{Lu}\S*)`)
	for key, text := range whole.Texts()["nl"] {
		text = capitalised.ReplaceAllString(quoted.ReplaceAllString(text, "quoted"), "name")
		for _, sentence := range ends.Split(strings.ReplaceAll(text, " // ", ". "), -1) {
			if word := inside.FindStringSubmatch(sentence); word != nil {
				t.Errorf("%s: %q in %q", key, word[1], sentence)
			}
		}
	}
}

// TestNumbersStayWhole: a line may not end in the middle of a number that somebody calls or copies.
func TestNumbersStayWhole(t *testing.T) {
	split := regexp.MustCompile(`\d{2,} \d{2,}`)
	for lang, texts := range whole.Texts() {
		for key, text := range texts {
			if number := split.FindString(text); number != "" {
				t.Errorf("%s %s: %q has a space where a line may end", lang, key, number)
			}
		}
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		lang, key string
		args      []any
		want      string
	}{
		{"nl", "common.continue", nil, "Doorgaan"},
		{"en", "common.continue", nil, "Continue"},
		{"fr", "common.continue", nil, "Doorgaan"},
		{"en", "switch.stay", nil, "Continue as {email}"},
		{"en", "switch.stay", []any{"email", "{email} & <b>"}, "Continue as {email} & <b>"},
		{"en", "switch.stay", []any{"email"}, "Continue as {email}"},
		{"nl", "wait.password", []any{"minutes", 1}, "Er is te vaak een verkeerd wachtwoord ingevuld. Je kunt over 1 minuut opnieuw inloggen."},
		{"en", "wait.password", []any{"minutes", 2}, "The wrong password was entered too many times. You can log in again in 2 minutes."},
		{"en", "wait.password", []any{"minutes", 1.0}, "The wrong password was entered too many times. You can log in again in 1 minute."},
		{"en", "wait.password", []any{"minutes", 15.0}, "The wrong password was entered too many times. You can log in again in 15 minutes."},
		{"en", "wait.password", nil, "The wrong password was entered too many times. You can log in again in {minutes} minutes."},
		{"en", "common.to_platform", []any{"platform", "De \u202eednil\u202c\n\x00Linde\xff"}, "Go to De ednilLinde\uFFFD"},
		{"en", "common.to_platform", []any{"platform", strings.Repeat("é", 300)}, "Go to " + strings.Repeat("é", 254) + "…"},
		{"en", "common.to_platform", []any{"platform", strings.Repeat("é", 254)}, "Go to " + strings.Repeat("é", 254)},
	} {
		if got := whole.Text(tt.lang, tt.key, tt.args...); got != tt.want {
			t.Errorf("Text(%q, %q, %q) = %q, want %q", tt.lang, tt.key, tt.args, got, tt.want)
		}
	}
}

func TestUnknownKeyIsShownAsItIs(t *testing.T) {
	if got := whole.Text("nl", "login.typo"); got != "login.typo" {
		t.Errorf("%q", got)
	}
}

// TestIdentifiersBreakAfterTheirPunctuation: on a phone with large text a URN goes on in another line, and no name in it is
// broken. Words stay as they are, and so does what is copied.
func TestIdentifiersBreakAfterTheirPunctuation(t *testing.T) {
	for in, want := range map[string]string{
		"well-known, and/or 10:30":      "well-known, and/or 10:30",
		"NameID has urn:oasis:names:tc": "NameID has urn:<wbr>oasis:<wbr>names:<wbr>tc",
		"https://a.example/<b>&c":       "https://<wbr>a.<wbr>example/<wbr>&lt;b&gt;&amp;<wbr>c",
	} {
		if got := (&ui.View{}).Breakable(in); string(got) != want {
			t.Errorf("Breakable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		candidates []string
		want       string
	}{
		{[]string{"nl"}, "nl"},
		{[]string{"nl-BE"}, "nl"},
		{[]string{"en-GB"}, "en"},
		{[]string{"EN_us"}, "en"},
		{[]string{"fr", "de"}, ""},
		{[]string{"fr", "en"}, "en"},
		{[]string{"", "en", "nl"}, "en"},
		{[]string{"nl-NL,nl;q=0.9,en;q=0.8"}, "nl"},
		{[]string{"de-DE,de;q=0.9,en;q=0.5,nl;q=0.4"}, "en"},
		{[]string{"fr-FR,fr;q=0.9"}, ""},
		{[]string{"en;q=0, fr"}, ""},
		{[]string{"*"}, ""},
		{[]string{"und"}, ""},
		{[]string{"not a language!"}, ""},
		{[]string{strings.Repeat("nl,", 1000) + "nl"}, ""},
		{nil, ""},
	} {
		if got := ui.Match(tt.candidates...); got != tt.want {
			t.Errorf("Match(%q) = %q, want %q", tt.candidates, got, tt.want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("nl-NL,nl;q=0.9")
	f.Add("en;q=0,*;q=0.1")
	f.Fuzz(func(t *testing.T, candidate string) {
		if got := ui.Match(candidate); got != "" && !slices.Contains(ui.Languages, got) {
			t.Errorf("Match(%q) = %q", candidate, got)
		}
	})
}
