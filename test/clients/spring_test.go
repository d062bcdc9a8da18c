//go:build clients

package clients_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minddistrict/idp/test/program"
)

// diary is the site of testdata/tools/spring, as .ci/prepare builds it.
const diary = tools + "/spring/target/diary.jar"

// springSection is where the document has it.
const springSection = "Spring Security"

// isSource wants a class of the site to be a block of the document, below a line that puts it into a package: .ci/prepare
// builds the site when one of its sources changed.
func isSource(t *testing.T, jar, name, block string) {
	t.Helper()
	path := filepath.Join(tools, "spring/src/main/java/example", name)
	if got, want := readFile(t, path), "package example;\n\n"+block; got != want {
		t.Fatalf("%s is not what docs/clients.md shows. It has:\n%s\nThe document:\n%s", path, got, want)
	}
	source, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if built, err := os.Stat(jar); err != nil || built.ModTime().Before(source.ModTime()) {
		t.Fatalf("%s is older than %s (.ci/prepare builds it): %v", jar, path, err)
	}
}

// springFourVersion is the version of Spring Boot that `make clients` builds the site with.
const springFourVersion = "4.0.0"

func spring(t *testing.T, h *house) { springSite(t, h, diary, springBootVersion(t)) }

// springSite runs a build of the site.
func springSite(t *testing.T, h *house, jar, version string) {
	t.Helper()
	_, port, _ := strings.Cut(program.FreeAddress(t), ":")
	origin := "https://localhost:" + port
	h.registers(t, springSection, 0, origin)
	isSource(t, jar, "SignIn.java", guide.block(t, springSection, "java", 0))
	isSource(t, jar, "Api.java", guide.block(t, resourceSection, "java", 0))
	site, api := filepath.Join(t.TempDir(), "application.yaml"), filepath.Join(t.TempDir(), "application.yaml")
	for path, block := range map[string]string{
		site: h.documented(t, springSection, "yaml", 1, origin), api: h.documented(t, resourceSection, "yaml", 1, origin),
	} {
		if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("java", "-XX:TieredStopAtLevel=1", "-Djavax.net.ssl.trustStore="+h.trusted(t),
		"-Djavax.net.ssl.trustStorePassword=changeit", "-jar", jar, // the first of these starts it sooner
		"--spring.config.additional-location=file:"+site+",file:"+api)
	start(t, "Spring", cmd, []string{"PATH=" + os.Getenv("PATH"), "PORT=" + port, "CERTIFICATE=" + h.Chain, "KEY=" + h.Key},
		func() error { return h.answers(origin + "/open") })
	c := client{t, "Spring Security", version}
	v := h.visitor("")
	// see opens the page that asks a person to sign in, and returns the claims that the site has of that person.
	see := func(t *testing.T, v *visitor) (claims map[string]any) {
		t.Helper()
		if err := json.Unmarshal([]byte(v.Body), &claims); err != nil || v.Status != http.StatusOK || !strings.HasPrefix(v.URL.String(), origin+"/diary") {
			t.Fatalf("at %s (%d):\n%s", v.URL, v.Status, v.Body)
		}
		return claims
	}
	c.check("login: code with PKCE, claims of ID token and userinfo", func(t *testing.T) {
		v.signIn(t, origin+"/diary")
		if claims := see(t, v); claims["email"] != annasEmail || claims["family_name"] != "Bakker" || claims["acr"] != "urn:minddistrict:acr:1fa" {
			t.Errorf("%v", claims)
		}
	})
	c.check("logout: session ended without a question", func(t *testing.T) {
		v.visit(t, origin+"/logout")
		v.MustPress(t, "Log Out")
		if v.URL.String() != origin+"/open" || v.Body != "/open" {
			t.Fatalf("at %s (%d):\n%s", v.URL, v.Status, v.Body)
		}
		v.visit(t, origin+"/diary")
		v.sees(t, "login.submit")
	})
	c.check("back-channel logout: signed out here, the session of the site ends, and no other", func(t *testing.T) {
		other := h.visitor("")
		other.signIn(t, origin+"/diary")
		v.signIn(t, origin+"/diary")
		see(t, v)
		v.signOut(t, h)
		v.signedOutAt(t, h, origin+"/diary")
		other.visit(t, origin+"/diary")
		see(t, other)
	})
	c.name = "resource server: Spring Security"
	journal{address: origin + "/api/journal", proofs: true}.checks(c, h)
}

// trusted is a key store for Java with the authority of the certificates.
func (h *house) trusted(t *testing.T) string {
	t.Helper()
	store := filepath.Join(t.TempDir(), "trusted.p12")
	out, err := exec.Command("keytool", "-importcert", "-noprompt", "-alias", "authority", "-file", h.Authority,
		"-keystore", store, "-storetype", "PKCS12", "-storepass", "changeit").CombinedOutput()
	if err != nil {
		t.Fatalf("keytool (.ci/prepare installs it): %v\n%s", err, out)
	}
	return store
}

// springBootVersion is the version that the site is built with.
func springBootVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(tools + "/spring/pom.xml")
	if err != nil {
		t.Fatal(err)
	}
	var project struct {
		Parent struct {
			Version string `xml:"version"`
		} `xml:"parent"`
	}
	if err := xml.Unmarshal(text, &project); err != nil || project.Parent.Version == "" {
		t.Fatalf("no version of Spring Boot: %v", err)
	}
	return project.Parent.Version
}
