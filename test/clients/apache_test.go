//go:build clients

package clients_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/minddistrict/idp/test/program"
)

// httpdConf is the Apache around the site of the document. What is in capitals is replaced; SITE by blocks of the document.
const httpdConf = `
ServerRoot /usr/lib/apache2
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule authz_user_module modules/mod_authz_user.so
LoadModule dir_module modules/mod_dir.so
LoadModule ssl_module modules/mod_ssl.so
LoadModule auth_openidc_module modules/mod_auth_openidc.so

DefaultRuntimeDir DIR
PidFile DIR/pid
Mutex file:DIR
ErrorLog DIR/errors
LogLevel warn auth_openidc:info
ServerName localhost
Listen ADDRESS
SSLSessionCache none

<VirtualHost ADDRESS>
DocumentRoot DIR/pages
DirectoryIndex index.html
SSLEngine on
SSLCertificateFile DIR/certificate.pem
SSLCertificateKeyFile DIR/key.pem
OIDCCABundlePath DIR/authority.pem
OIDCInfoHook access_token id_token userinfo session
SITE
</VirtualHost>
`

// apacheSection is where the document has it.
const apacheSection = "Apache with mod_auth_openidc"

// httpd is an Apache with mod_auth_openidc.
type httpd struct {
	*process
	h      *house
	dir    string
	origin string
}

// info is what the module tells about a session.
type info struct {
	AccessToken string         `json:"access_token"`
	IDToken     map[string]any `json:"id_token"`
	UserInfo    map[string]any `json:"userinfo"`
}

func apache(t *testing.T, h *house) {
	address := program.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	origin := "https://localhost:" + port
	h.registers(t, apacheSection, 0, origin)
	s := startHttpd(t, h, address, origin)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of Apache:\n%s", s.errors())
		}
	})
	c := client{t, "Apache, mod_auth_openidc", s.versions(t)}
	v := h.visitor("")
	// at compares the page of the site that is shown.
	at := func(t *testing.T, path string) {
		t.Helper()
		if v.URL.String() != origin+path || v.Status != http.StatusOK || v.Body != path {
			t.Fatalf("at %s (%d), want %s:\n%s", v.URL, v.Status, path, v.Body)
		}
	}
	var first info
	c.check("login: code with PKCE, back at the page that was asked", func(t *testing.T) {
		v.signIn(t, origin+"/diary/")
		at(t, "/diary/")
	})
	c.check("userinfo claims", func(t *testing.T) {
		first = s.info(t, v)
		if first.UserInfo["email"] != annasEmail || first.UserInfo["family_name"] != "Bakker" || first.UserInfo["sub"] != first.IDToken["sub"] || first.IDToken["acr"] != "urn:minddistrict:acr:1fa" {
			t.Errorf("%+v", first)
		}
		v.visit(t, origin+"/professionals/")
		if v.Status != http.StatusUnauthorized && v.Status != http.StatusForbidden {
			t.Errorf("a page that requires another acr: %d", v.Status)
		}
	})
	c.check("tokens renewed where people work for long", func(t *testing.T) {
		sleepPast(first.IDToken["auth_time"])
		v.visit(t, origin+"/work/")
		at(t, "/work/")
		next := s.info(t, v)
		if next.AccessToken == first.AccessToken || next.AccessToken == "" {
			t.Errorf("the same access token")
		}
		first = next
	})
	c.check("refresh hook", func(t *testing.T) {
		v.visit(t, origin+"/callback?"+url.Values{"refresh": {origin + "/diary/"}, "access_token": {first.AccessToken}}.Encode())
		at(t, "/diary/")
		if next := s.info(t, v); next.AccessToken == first.AccessToken || next.AccessToken == "" {
			t.Errorf("the same access token")
		}
	})
	c.check("single sign-on, and the password again by max_age of a path", func(t *testing.T) {
		sleepPast(first.IDToken["auth_time"])
		s.forget(t, v)
		v.visit(t, origin+"/diary/")
		at(t, "/diary/")
		if sso := s.info(t, v); sso.IDToken["auth_time"] != first.IDToken["auth_time"] {
			t.Errorf("single sign-on: auth_time %v, it was %v", sso.IDToken["auth_time"], first.IDToken["auth_time"])
		}
		s.forget(t, v)
		v.confirm(t, origin+"/again/")
		at(t, "/again/")
		if again := s.info(t, v); number(again.IDToken["auth_time"]) <= number(first.IDToken["auth_time"]) {
			t.Errorf("auth_time %v, it was %v", again.IDToken["auth_time"], first.IDToken["auth_time"])
		}
	})
	c.check("the password again by a link of the site, within a session", func(t *testing.T) {
		before := s.info(t, v)
		sleepPast(before.IDToken["auth_time"])
		v.confirm(t, origin+"/callback?"+url.Values{"iss": {h.issuer}, "target_link_uri": {origin + "/diary/"}, "auth_request_params": {"max_age=1"}}.Encode())
		at(t, "/diary/")
		if again := s.info(t, v); number(again.IDToken["auth_time"]) <= number(before.IDToken["auth_time"]) {
			t.Errorf("auth_time %v, it was %v", again.IDToken["auth_time"], before.IDToken["auth_time"])
		}
	})
	c.check("logout: tokens dead, session ended without a question", func(t *testing.T) {
		last := s.info(t, v)
		v.visit(t, origin+"/callback?"+url.Values{"logout": {origin + "/open/"}}.Encode())
		at(t, "/open/")
		r := get(t, h.issuer+"/userinfo")
		r.Header.Set("Authorization", "Bearer "+last.AccessToken)
		res, err := h.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close() // only the status matters
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("userinfo afterwards: %d", res.StatusCode)
		}
		v.visit(t, origin+"/diary/")
		if !strings.HasPrefix(v.URL.String(), h.issuer+"/") {
			t.Errorf("after logging out at %s", v.URL)
		}
	})
	c.check("back-channel logout: signed out here, the session of the site ends, and no other", func(t *testing.T) {
		other := h.visitor("")
		other.signIn(t, origin+"/diary/")
		v.signIn(t, origin+"/diary/")
		at(t, "/diary/")
		v.signOut(t, h)
		v.signedOutAt(t, h, origin+"/diary/")
		if other.visit(t, origin+"/diary/"); other.Body != "/diary/" {
			t.Errorf("the session of another browser: at %s (%d)", other.URL, other.Status)
		}
	})
}

// startHttpd starts an Apache with a folder of its own.
func startHttpd(t *testing.T, h *house, address, origin string) *httpd {
	t.Helper()
	files := map[string]string{}
	for _, page := range []string{"/diary/", "/again/", "/professionals/", "/work/", "/open/"} {
		files["pages"+page+"index.html"] = page
	}
	dir := httpdFolder(t, h, files)
	site := h.documented(t, apacheSection, "apache", 0, origin) + h.documented(t, apacheSection, "apache", 1, origin)
	conf := strings.NewReplacer("DIR", dir, "ADDRESS", address, "SITE", site).Replace(httpdConf)
	return &httpd{startApache(t, dir, conf, func() error { return h.answers(origin + "/open/") }), h, dir, origin}
}

// httpdFolder makes the folder of an Apache: the certificate of the house, and further files.
func httpdFolder(t *testing.T, h *house, files map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "httpd") // not below a folder of the test: others may not enter that
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // left behind, it harms nobody
	for _, path := range []string{h.Authority, h.Chain, h.Key} {
		files[filepath.Base(path)] = readFile(t, path)
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// startApache starts an Apache of a folder, as somebody without rights where we are root.
func startApache(t *testing.T, dir, conf string, answers func() error) *process {
	t.Helper()
	path := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/apache2", "-f", path, "-D", "FOREGROUND")
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: unprivileged(t, dir)}
	}
	return start(t, "Apache", cmd, []string{"PATH=/usr/bin:/bin"}, answers)
}

// errors is the log of the server.
func (s *httpd) errors() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "errors"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// unprivileged gives a folder and all in it to the user nobody.
func unprivileged(t *testing.T, dir string) *syscall.Credential {
	t.Helper()
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(nobody.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(nobody.Gid)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

var (
	apacheVersion = regexp.MustCompile(`Apache/([0-9.]+)`)
	moduleNumber  = regexp.MustCompile(`mod_auth_openidc-([0-9.]+)`)
)

// versions are those that the server tells in its log.
func (s *httpd) versions(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("/usr/sbin/apache2", "-v").Output()
	if err != nil {
		t.Fatal(err)
	}
	server, module := apacheVersion.FindSubmatch(out), moduleNumber.FindStringSubmatch(s.errors())
	if server == nil || module == nil {
		t.Fatalf("no versions in %s%s", out, s.errors())
	}
	return string(server[1]) + ", " + module[1]
}

// info asks the module about the session of a browser.
func (s *httpd) info(t *testing.T, v *visitor) (got info) {
	t.Helper()
	v.visit(t, s.origin+"/callback?info=json")
	if err := json.Unmarshal([]byte(v.Body), &got); err != nil || v.Status != http.StatusOK {
		t.Fatalf("info: %d %v:\n%s", v.Status, err, v.Body)
	}
	return got
}

// forget ends the session at the site and nothing else, as its cookie does with the browser.
func (s *httpd) forget(t *testing.T, v *visitor) {
	site, err := url.Parse(s.origin)
	if err != nil {
		t.Fatal(err)
	}
	v.Jar.SetCookies(site, []*http.Cookie{{Name: "mod_auth_openidc_session", Path: "/", MaxAge: -1}})
}
