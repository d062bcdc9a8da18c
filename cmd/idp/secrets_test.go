package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/outbox"
)

// Whatever a command reads a secret from is not for everybody: the file of a flag like one that a setup file names.
func TestSecretFilesOfEverybodyAreRefused(t *testing.T) {
	t.Parallel()
	i := newInstall(t, "")
	i.setUp()
	words, secret := i.File("words", "negen groene fietsen lachen!\n"), i.File("secret", clientSecret+"\n")
	sample, err := os.ReadFile(i.sample())
	if err != nil {
		t.Fatal(err)
	}
	inFile := strings.Replace(strings.ReplaceAll(string(sample), "linde-web", "other-web"), "secret: "+clientSecret, "secret_file: "+secret, 1)
	if inFile == string(sample) {
		t.Fatal("the sample has no such secret")
	}
	commands := map[string][]string{
		words:  {"account", "add", "ria@example.org", "--platform", "linde", "--password-file", words},
		secret: {"party", "add", "report", "--platform", "linde", "--redirect-uri", "https://rp.example/cb", "--secret-file", secret},
	}
	for path, args := range commands {
		for mode, said := range map[os.FileMode]string{0o644: "0644", 0o666: "0666", 0o602: "0602"} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			i.refused(1, "refused: "+path+" may be used by everybody (mode "+said+"): chmod 0600", args...)
		}
	}
	setup := i.File("other.yaml", inFile)
	i.refused(1, "secret_file: refused: "+secret+" may be used by everybody", "apply", setup)
	i.refused(1, "not found", "account", "show", "ria@example.org", "--platform", "linde")
	i.refused(1, "not found", "party", "show", "report", "--platform", "linde")
	i.refused(1, "not found", "party", "show", "other-web", "--platform", "linde")
	for path, args := range commands {
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		i.OK(args...)
	}
	i.OK("apply", setup)

	// The same for what `idp dev` made for its owner.
	dev := i.with()
	dir := filepath.Join(i.Dir, "dev")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "master-key"), []byte(keys.NewMaster()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "master-key"), 0o644); err != nil {
		t.Fatal(err)
	}
	dev.refused(1, "master-key may be used by everybody (mode 0644)", "dev", "--dir", dir)
}

// What reset-2fa ends and sends must be readable by the servers: another master key changes nothing at all.
func TestResetTwoStepWantsTheServersMasterKey(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		i.withApp("")
		reset := []string{"account", "reset-2fa", "anna@example.org", "--platform", "linde", "--reason", "lost-phone", "--identified", "called-back"}
		i.with("IDP_MASTER_KEYS_FILE="+i.File("other", keys.NewMaster())).refused(1, "sealed under a master key that is not configured", reset...)
		var a openedJSON
		if i.read(&a, "account", "show", "anna@example.org", "--platform", "linde"); !slices.Contains(a.Factors, "totp") {
			t.Errorf("another master key took a factor: %+v", a)
		}
		if n := i.rowsOf("letters") + i.rowsOf("events WHERE kind = 'two_step.reset'"); n != 0 {
			t.Errorf("another master key left %d letters and events", n)
		}
		i.OK(reset...)
		if i.read(&a, "account", "show", "anna@example.org", "--platform", "linde"); slices.Contains(a.Factors, "totp") {
			t.Errorf("not reset: %+v", a)
		}
		i.waiting("linde", outbox.TwoStepReset)
	})
}
