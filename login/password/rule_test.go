package password

import (
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

var linde = platform.Platform{ID: "linde", Name: "De Linde", Organisation: "GGZ De Linde", NeutralName: "Dagboek", Issuer: "https://login.ggzlinde.example"}

var anna = account.Account{
	Email:   account.Email{Address: "sanne.vd.veen@kpnmail.example"},
	Profile: account.Profile{GivenName: "Sanne", MiddleName: "van der", FamilyName: "Veenstra", Username: "sannetje77", Birthdate: "1977-11-23"},
}

// TestRule is the rule of the help page on choosing a password, with what it leaves open.
func TestRule(t *testing.T) {
	long := strings.Repeat("Vlieger zonder touw, boot zonder roer. ", 7)[:255] // 255 characters, and none repeated at its end
	for password, want := range map[string]Mistake{
		// good ones
		"zeven paarse regenjassen drogen!":     None,
		"paarse fiets zonder zadel 12":         None,
		"drie stille fietsers onder water?":    None,
		"xK9#mQ2$vL7p":                         None,
		"kapper-lantaarn-molen-zeehond":        None,
		"tafel raam wolk mosterd":              None, // four words that have nothing to do with each other, as the tip says
		"كلمة مرور طويلة جدا للدخول":           None,
		"סיסמה ארוכה מאוד לכניסה":              None,
		"пароль из четырёх слов":               None,
		"🐘🌵🚲🎺🧊🍋⚓🪁🦉🎻🧭🥁":                         None,
		"caf\u00e9 met appeltaart en slagroom": None,
		"vlieger\u202eboot lantaarn zeehond":   None, // a mark of direction is a character like others

		// lengths in characters, after NFC
		"":            Empty,
		"kapper-mole": Short,
		"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301!": Short, // 7 characters, 13 code points before NFC
		long + "x":                 None,
		long + "xy":                Long,
		strings.Repeat("🐘", 257):   Long,
		strings.Repeat("a", 1<<20): Long,

		// special characters
		"kapperlantaarnmolen9":   NoMark,
		"kapperlantaarnmolené":   NoMark,
		"kapperlantaarnmolen٣":   NoMark, // an Arabic digit is a digit
		"kaप\u094dperlantaarnmo": NoMark, // a mark on a letter belongs to it

		// what many people choose
		"Welkom2026!!!!": Guessed, "Wachtwoord2026!": Guessed, "Zomer2026!!!!": Guessed, "Welkom01Welkom01!": Guessed, "Amsterdam2026!": Guessed,
		"W3lk0m2026!!!": Guessed, "!!6202moklew": Guessed, "Feyenoord1908!": Guessed, "mijn hond is lief!": Guessed, "een twee drie vier!": Guessed,
		"ikhouvanjou!!": Guessed, "ik hou van jou!": Guessed, "moeder en dochter": Guessed, "Passwort2026!!": Guessed, "Welcome2026!!": Guessed,
		"Zorg-2026-Zorg": Guessed, "Therapeut2026!": Guessed, "Hulpverlener1!": Guessed,
		// rows, repetitions, dates
		"qwertyuiop[]asdf": Guessed, "aaaaaaaaaaaa!": Guessed, "abcabcabcabc!": Guessed, "123454321234!": Guessed, "12-03-1987 12-03-1987": Guessed,
		strings.Repeat("ab!c", 25): Guessed, "😀😁😂😃😄😅😆😇😈😉😊😋": Guessed, "            ": Guessed, strings.Repeat("\x00", 12): Guessed,
		// person and platform
		"Sanne-Veenstra-1977!": Guessed, "sannevanderveenstra!": Guessed, "Sannetje77!!": Guessed, "23-11-1977!Sanne": Guessed, "GGZ De Linde 2026": Guessed,
		"Ggzlinde2026!": Guessed, "Dagboek2026!!": Guessed, "kpnmail.sanne1!": Guessed, "artsneev ennaS!": Guessed,

		// known, whatever is put around it
		"IDrink3CoffeePerDay!": Leaked, "IDrink3CoffeePerDay!ButIAlsoDrink2Tea!": Leaked, "ikdrink3koffieperdag!!": Leaked,
		"Correct Horse Battery Staple": Leaked, "1qaz2wsx3edc!": Leaked, "Qwerty123456!!": Leaked, "  q1w2e3r4t5y6  ": Leaked,
	} {
		got, err := Rule{}.Check(platform.DefaultPolicy().Password, password, Words(&linde, &anna))
		if got != want || err != nil {
			t.Errorf("%.60q: got %q (%v), want %q", password, got, err, want)
		}
	}
}

func TestNumbersArePlatformsOwn(t *testing.T) {
	for _, tt := range []struct {
		rule     platform.PasswordRule
		password string
		want     Mistake
	}{
		{platform.PasswordRule{MinLength: 8, MaxLength: 64}, "Welkom26", None},
		{platform.PasswordRule{MinLength: 8, MaxLength: 64}, "password", Leaked},
		{platform.PasswordRule{MinLength: 16, MaxLength: 64}, "kapper-lantaarn", Short},
		{platform.PasswordRule{MinLength: 8, MaxLength: 64, Special: 3}, "kapper-lantaarn-molen", NoMark},
		{platform.PasswordRule{MinLength: 8, MaxLength: 64, MinScore: 4}, "gele kast valt om", Guessed},
	} {
		if got, err := (Rule{}).Check(tt.rule, tt.password, nil); got != tt.want || err != nil {
			t.Errorf("%+v %q: got %q (%v), want %q", tt.rule, tt.password, got, err, tt.want)
		}
	}
}

func TestMistakesNameTheirNumber(t *testing.T) {
	rule := platform.PasswordRule{MinLength: 12, MaxLength: 256, Special: 2}
	for m, want := range map[Mistake]int{Short: 12, NoMark: 2} {
		if e := mistakeText(m, rule); e.Key != "password.error_"+string(m) || e.Args[1] != want || e.Args[3] != 256 {
			t.Errorf("%s: %+v", m, e)
		}
	}
}

// Judging a password must not take longer than hashing it, whatever it is.
func TestWorkOfJudgingIsBounded(t *testing.T) {
	rule := platform.PasswordRule{MinLength: 1, MaxLength: 256, MinScore: 4}
	signs := strings.Repeat("4@8({[<69!|1$57+%2a", 13)
	for _, password := range []string{
		strings.Repeat("a", 256), strings.Repeat("ab", 128), signs, strings.Repeat("welkom", 42), strings.Repeat("1", 255) + "!",
		strings.Repeat("e\u0301", 200) + "!", strings.Repeat("\ufdfa", 200) + "!", strings.Repeat("dede-", 51), strings.Repeat("\xff", 256),
		"qwertyuiopasdfghjklzxcvbnmQWERTYUIOPASDFGHJKLZXCVBNM1234567890qazwsxedcrfvtgbyhnujmikolp1q2w3e4r5t6y7u8i9o0p", "0102030405060708091011121314151617181920212223242526272829303132333435363738394041424344454647484950",
		"thedogandthecatwenttothehouseofthemanwhohadthebiggestgardeninthewholeoftheworldandthentheyallatesomething",
	} {
		begun := time.Now()
		_, _ = Rule{}.Check(rule, password, Words(&linde, &anna)) // whatever it is: nothing may panic
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%.20q…: %s", password, took)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("zeven paarse regenjassen drogen!", "Sanne")
	f.Add("4@8({[<69!|1$57+%2 e\u0301\xff\u202e", "\x00")
	f.Fuzz(func(t *testing.T, password, name string) {
		if _, err := (Rule{}).Check(platform.PasswordRule{MinLength: 1, MaxLength: 256, MinScore: 4}, password, []string{name}); err != nil {
			t.Error(err)
		}
	})
}
