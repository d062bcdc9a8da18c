package password

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/argon2"
	"github.com/minddistrict/idp/internal/fault"
)

const phrase = "zeven paarse regenjassen drogen!"

// hashes of phrase, made by others.
var elsewhere = map[string]string{
	"argon2-cffi 25.1":     "$argon2id$v=19$m=512,t=2,p=2$AQEBAQEBAQEBAQEBAQEBAQ$YRTnpqOql3yWjS+9vpAfeev7vC6BRoOq6fnDL5+Oddg",
	"htpasswd -B":          "$2y$05$7NBPIEUxAC0AkSUuH1xfCuHvREQLAj1We/owQCKF2NEzJQlct5Iii",
	"crypt(3)":             "$2b$05$abcdefghijklmnopqrstuu3W8V6O8ovOllm2I86.2U.aRpYvPv95.",
	"hashlib, as Django":   "pbkdf2_sha256$1000$saltsalt$dNfvRIwlhlBgS7zYhf8u8V7dSykTE8LY/iD05UxzHrU=",
	"hashlib, as passlib":  "$pbkdf2-sha256$1000$bjQLnP.zepicpUTmu3gKLA$mC11xGBuB0ZaF.mGP0de0w8dEMPEojtguSEu9y9DPWA",
	"passlib 1.7, pbkdf2":  "$pbkdf2-sha256$1000$IYSQMsZYy3mPce69N.Z8rw$dBXovof/kcZAYAjpPnBhJpES1PUxHOoZCscT2q8WnG8",
	"hashlib, scrypt":      "$scrypt$ln=10,r=8,p=1$bjQLnP+zepicpUTmu3gKLA$NBBecsWmxKFtWxqekO4TeHjqntg9q59L/Hr0f+SS5uY",
	"passlib 1.7, scrypt":  "$scrypt$ln=8,r=8,p=1$yPm/V0pJKWVsba3VundubQ$l4cv0vq6wq57d99fcNp8+E8W+bVCYhHlUklyr/n7xXI",
	"ours, weaker by half": hash(new(argon2.Memory), phrase, Params{Memory: 32, Passes: 1, Threads: 1}),
}

func TestHashesOfOthersAreVerifiedAndReplaced(t *testing.T) {
	for maker, stored := range elsewhere {
		for password, want := range map[string]bool{phrase: true, phrase + " ": false, strings.ToUpper(phrase): false, "": false} {
			if ok, err := verify(new(argon2.Memory), password, stored); ok != want || err != nil {
				t.Errorf("%s: %q: %t %v", maker, password, ok, err)
			}
		}
		if !outdated(stored, Params{Memory: 64, Passes: 2, Threads: 1}) && maker != "argon2-cffi 25.1" {
			t.Errorf("%s stays", maker)
		}
	}
	if ok, _ := verify(new(argon2.Memory), "cafe\u0301 met taart!", "pbkdf2_sha256$1000$zout$gXzk1C2HdBq/LNW3b7zBVvL/mXrSTew1H6oE/tTTmTQ="); !ok {
		t.Error("the same letters in another Unicode form do not match an imported hash")
	}
}

func TestOutdated(t *testing.T) {
	now := Params{Memory: 64, Passes: 2, Threads: 1}
	for want, all := range map[bool][]Params{
		true:  {{32, 2, 1}, {64, 1, 1}, {128, 1, 1}},
		false: {{64, 2, 1}, {128, 3, 1}, {64, 2, 4}},
	} {
		for _, p := range all {
			if got := outdated(hash(new(argon2.Memory), "x", p), now); got != want {
				t.Errorf("%+v: %t", p, got)
			}
		}
	}
}

// Okta, October 2024: what bcrypt did not look at is not taken for compared.
func TestLongPasswordNeverMatchesBcrypt(t *testing.T) {
	const stored = "$2y$05$6WDli0geMnwiLbTffiSnuu6OfvIp./dpToKwCHHx6nKnIRkNeQpRK" // htpasswd's, of 72 times a
	for _, tt := range []struct {
		password string
		want     bool
	}{
		{strings.Repeat("a", 72), true}, {strings.Repeat("a", 73), false}, {strings.Repeat("a", 72) + "b", false}, {strings.Repeat("a", 71), false},
		{strings.Repeat("a", 72) + "\x00", false},
	} {
		if ok, err := verify(new(argon2.Memory), tt.password, stored); ok != tt.want || err != nil {
			t.Errorf("%d bytes: %t %v", len(tt.password), ok, err)
		}
	}
}

// What asks for more work than ours, or says another thing than it seems to, is refused before any of it is done.
func TestHashesBeyondBoundsAreRefused(t *testing.T) {
	salt, sum := "AQEBAQEBAQEBAQEBAQEBAQ", "YRTnpqOql3yWjS+9vpAfeev7vC6BRoOq6fnDL5+Oddg"
	bcrypt := strings.TrimPrefix(elsewhere["crypt(3)"], "$2b$05")
	for _, bad := range []string{
		"$argon2id$v=19$m=262145,t=1,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=262144,t=5,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=64,t=17,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=64,t=1,p=1 $" + salt + "$" + sum,
		"$argon2id$v=19$m=+64,t=1,p=1$" + salt + "$" + sum,
		"$2b$15" + bcrypt, "$2b$31" + bcrypt, "$2b$99" + bcrypt, "$2b$05" + bcrypt + "x", "$2b$05" + bcrypt[:20], "$2b$", "$2a$05$", "$2x$05" + bcrypt,
		"$scrypt$ln=19,r=8,p=1$" + salt + "$" + sum, "$scrypt$ln=18,r=9,p=1$" + salt + "$" + sum, "$scrypt$ln=0,r=8,p=1$" + salt + "$" + sum,
		"$scrypt$ln=10,r=8,p=1000000000$" + salt + "$" + sum, "$scrypt$ln=-1,r=8,p=1$" + salt + "$" + sum, "$scrypt$ln=10,r=0,p=1$" + salt + "$" + sum,
		"$scrypt$ln=10,r=8,p=1x$" + salt + "$" + sum, "$scrypt$ln=10,r=8,p=1$$" + sum, "$scrypt$ln=10,r=8,p=1$" + salt + "$AAAA",
		"$scrypt$ln=10,r=9223372036854775807,p=9223372036854775807$" + salt + "$" + sum,
		"$pbkdf2-sha256$2000001$" + salt + "$" + sum, "$pbkdf2-sha256$0$" + salt + "$" + sum, "$pbkdf2-sha256$-1$" + salt + "$" + sum,
		"$pbkdf2-sha256$1000$$" + sum, "$pbkdf2-sha256$1000$" + salt + "$AAAAAAAAAAAAAAAAAAAAAA", "$pbkdf2-sha256$1000$" + salt,
		"pbkdf2_sha256$1000$salt$AAAA", "pbkdf2_sha256$99999999999999999999$salt$dNfvRIwlhlBgS7zYhf8u8V7dSykTE8LY/iD05UxzHrU=",
		"pbkdf2_sha256$1000$$dNfvRIwlhlBgS7zYhf8u8V7dSykTE8LY/iD05UxzHrU=",
		"$1$salt$qJH7.N4xYta3aEG/dfqo/0", "$5$rounds=1000$x$y", "$y$j9T$x$y", "5f4dcc3b5aa765d61d8327deb882cf99", "plain", "pbkdf2_sha1$1000$salt$AAAA",
	} {
		if _, err := verify(new(argon2.Memory), "x", bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		} else if strings.Contains(fmt.Sprint(err), salt) {
			t.Errorf("%q is in the message", bad)
		}
	}
}

// FuzzHash reads hashes as `idp apply` gets them. Nothing may panic, whatever is accepted.
func FuzzHash(f *testing.F) {
	for _, stored := range elsewhere {
		f.Add(stored)
	}
	f.Add("$scrypt$ln=18,r=8,p=1$AQEB$AQEBAQEBAQEBAQEBAQEBAQ")
	f.Add("$2a$14$")
	f.Fuzz(func(t *testing.T, stored string) {
		if _, err := read(stored); err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", stored, err)
		}
	})
}
