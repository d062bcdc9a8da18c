//go:build clients

package clients_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/test/program"
)

// simpleSAMLConf makes an Apache that runs SimpleSAMLphp of a folder. What is in capitals is replaced.
const simpleSAMLConf = `
ServerRoot /usr/lib/apache2
LoadModule mpm_prefork_module modules/mod_mpm_prefork.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule alias_module modules/mod_alias.so
LoadModule env_module modules/mod_env.so
LoadModule ssl_module modules/mod_ssl.so
LoadModule php_module MODULE

DefaultRuntimeDir FOLDER
PidFile FOLDER/pid
Mutex file:FOLDER
ErrorLog FOLDER/errors
LogLevel warn
ServerName localhost
Listen ADDRESS
DocumentRoot FOLDER/pages
StartServers 1
SSLEngine on
SSLCertificateFile FOLDER/certificate.pem
SSLCertificateKeyFile FOLDER/key.pem
SSLSessionCache none

SetEnv SIMPLESAMLPHP_CONFIG_DIR FOLDER/config
php_admin_flag opcache.enable off
php_admin_value date.timezone UTC
Alias /saml /usr/share/simplesamlphp/www
<FilesMatch "\.php$">
  SetHandler application/x-httpd-php
</FilesMatch>
<Location />
  Require all granted
</Location>
`

// simpleSAMLConfig is config.php: what Debian's has, without what needs more than a folder.
const simpleSAMLConfig = `<?php
$config = [
  'baseurlpath' => 'ORIGIN/saml/',
  'certdir' => 'FOLDER/cert/', 'loggingdir' => 'FOLDER/log/', 'datadir' => 'FOLDER/data/', 'tempdir' => 'FOLDER/tmp',
  'metadatadir' => 'FOLDER/metadata/', 'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',
  'secretsalt' => 'SECRET', 'auth.adminpassword' => 'SECRET',
  'logging.handler' => 'file', 'logging.level' => SimpleSAML\Logger::NOTICE, 'logging.logfile' => 'saml.log',
  'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
  'store.type' => 'phpsession', 'session.phpsession.savepath' => 'FOLDER/tmp', 'session.cookie.secure' => true,
  'language.default' => 'en',
];
`

// simpleSAMLSources is authsources.php: two people, with the attributes of a directory. One lacks what says who it is.
const simpleSAMLSources = `<?php
$config = [
  'admin' => ['core:AdminPassword'],
  'staff' => ['exampleauth:UserPass', 'jan:` + jansWords + `' => [
    'uid' => ['jjansen'], 'mail' => ['jan@lindehof.example'], 'givenName' => ['Jan'], 'sn' => ['Jansen'],
  ], 'kim:` + jansWords + `' => ['mail' => ['kim@lindehof.example'], 'givenName' => ['Kim'], 'sn' => ['Kist']]],
];
`

// simpleSAMLHosted is metadata/saml20-idp-hosted.php: the organisation's own side.
const simpleSAMLHosted = `<?php
$metadata['ENTITY'] = [
  'host' => '__DEFAULT__', 'auth' => 'staff', MORE
];
`

// idpKeys are the keys of that side as it begins.
const idpKeys = `'privatekey' => 'idp.key', 'certificate' => 'idp.crt', `

// simpleSAMLRemote is metadata/saml20-sp-remote.php: what the XML converter writes of our metadata, and below it what
// docs/sso.md says to put there.
const simpleSAMLRemote = `<?php
foreach (SimpleSAML\Metadata\SAMLParser::parseDescriptorsFile('FOLDER/metadata/idp.xml') as $entity => $parsed) {
  $metadata[$entity] = $parsed->getMetadata20SP();
}
`

const jansWords = "grijze-tegels"

// simpleSAML is SimpleSAMLphp as the identity provider of an organisation.
type simpleSAML struct {
	*process
	h                   *house
	dir, origin, entity string
	who                 string // signs in
}

// startSimpleSAML starts one, with a folder and a key of its own.
func startSimpleSAML(t *testing.T, h *house) *simpleSAML {
	t.Helper()
	address := program.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	s := &simpleSAML{h: h, who: "jan", origin: "https://localhost:" + port}
	s.entity = s.origin + "/saml/metadata"
	modules, err := filepath.Glob("/usr/lib/apache2/modules/libphp*.so")
	if err != nil || len(modules) == 0 {
		t.Fatalf("PHP in Apache is missing (.ci/prepare installs it): %v", err)
	}
	key, certificate := newSigner(t)
	s.dir = httpdFolder(t, h, map[string]string{
		"config/config.php": "", "config/authsources.php": simpleSAMLSources,
		"cert/idp.key": string(key), "cert/idp.crt": string(certificate),
		"metadata/saml20-idp-hosted.php": "", "metadata/saml20-sp-remote.php": "<?php\n", "metadata/idp.xml": "",
		"cert/new.key": "", "cert/new.crt": "",
		"log/saml.log": "", "data/none": "", "tmp/none": "", "pages/open": "open",
	})
	s.set(t, "")
	config := strings.NewReplacer("FOLDER", s.dir, "ORIGIN", s.origin, "SECRET", secret.Token())
	s.write(t, "config/config.php", config.Replace(simpleSAMLConfig))
	conf := strings.NewReplacer("FOLDER", s.dir, "ADDRESS", address, "MODULE", modules[len(modules)-1])
	s.process = startApache(t, s.dir, conf.Replace(simpleSAMLConf), func() error { return h.answers(s.origin + "/open") })
	t.Cleanup(func() {
		if t.Failed() {
			for _, log := range []string{"errors", "log/saml.log"} {
				t.Logf("%s:\n%s", log, readFile(t, filepath.Join(s.dir, log)))
			}
		}
	})
	return s
}

// knows makes our metadata known there, in the way of docs/sso.md: the block is copied as it stands.
func (s *simpleSAML) knows(t *testing.T, metadata, issuer string) {
	t.Helper()
	_, section, _ := strings.Cut(readFile(t, "../../docs/sso.md"), "### SimpleSAMLphp")
	_, block, _ := strings.Cut(section, "```php\n")
	block, _, found := strings.Cut(block, "```")
	if !found || !strings.Contains(block, "'ISSUER/federation/NAME/metadata'") {
		t.Fatalf("docs/sso.md has no block for SimpleSAMLphp:\n%s", block)
	}
	s.write(t, "metadata/idp.xml", metadata)
	block = strings.NewReplacer("ISSUER", issuer, "NAME/", "lindehof/").Replace(block)
	s.write(t, "metadata/saml20-sp-remote.php", strings.ReplaceAll(simpleSAMLRemote, "FOLDER", s.dir)+block)
}

// set sets what else the organisation sets of its side.
func (s *simpleSAML) set(t *testing.T, more string) {
	t.Helper()
	s.setWhole(t, idpKeys+more)
}

// setWhole is the same with its keys.
func (s *simpleSAML) setWhole(t *testing.T, more string) {
	t.Helper()
	hosted := strings.NewReplacer("ENTITY", s.entity, "MORE", more)
	s.write(t, "metadata/saml20-idp-hosted.php", hosted.Replace(simpleSAMLHosted))
}

func (s *simpleSAML) write(t *testing.T, name, content string) {
	t.Helper()
	// It is there: whose it is stays.
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// newSigner makes a key that signs, and its certificate, in PEM.
func newSigner(t *testing.T) (key, certificate []byte) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "Lindehof"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	return key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// simpleSAMLVersion is what Debian installed.
func simpleSAMLVersion(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "simplesamlphp").Output()
	if err != nil {
		t.Fatalf("SimpleSAMLphp is missing (.ci/prepare installs it): %v", err)
	}
	version, _, _ := strings.Cut(string(out), "-")
	return version
}

func simpleSAMLphp(t *testing.T, h *house) {
	s := startSimpleSAML(t, h)
	c := client{t, "SimpleSAMLphp", simpleSAMLVersion(t)}
	site := newSite(t, h, "saml-site", s.asked)
	connect := func(t *testing.T, saml string) {
		t.Helper()
		h.connect(t, `
      - name: lindehof
        kind: saml
        names: { nl: `+organisation+` }
        key: { by: nameid }
        mapping: { email: [mail], given_name: [givenName], family_name: [sn] }
        access: { jit: create, role: professional }
        saml: { entity_id: "`+s.entity+`", `+saml+` }
`)
	}
	connect(t, `metadata_url: "`+s.origin+`/saml/saml2/idp/metadata.php"`)
	c.check("it takes the metadata that we publish", func(t *testing.T) {
		s.knows(t, h.fetch(t, h.issuer+"/federation/lindehof/metadata"), h.issuer)
	})
	site.checks(c, false)
	v := h.visitor(site.own())
	c.check("single logout begun there ends the session here", func(t *testing.T) {
		site.signIn(t, v)
		v.visit(t, s.origin+"/saml/saml2/idp/initSLO.php?RelayState="+s.origin+"/open")
		if v.URL.String() != s.origin+"/open" || v.Status != http.StatusOK {
			t.Fatalf("at %s (%d):\n%s", v.URL, v.Status, v.Body)
		}
		site.signedOut(t, v)
		s.record(t, "")
	})
	c.check("an encrypted assertion (AES-128-CBC within a signed response, its default)", func(t *testing.T) {
		s.set(t, `'assertion.encryption' => true,`)
		site.signIn(t, h.visitor(site.own()))
		if !bytes.Contains(site.response(t), []byte("EncryptedAssertion")) {
			t.Errorf("not encrypted: %s", site.response(t))
		}
		s.record(t, "-encrypted")
	})
	c.check("encrypted and no signature outside: refused", func(t *testing.T) {
		s.set(t, `'assertion.encryption' => true, 'saml20.sign.response' => false,`)
		site.refused(t, "sso.error_technical")
	})
	c.check("who lacks the attribute that the persistent NameID is made of: refused", func(t *testing.T) {
		s.set(t, "")
		s.who = "kim"
		defer func() { s.who = "jan" }()
		site.refused(t, "sso.error_settings")
		if !bytes.Contains(site.response(t), []byte("nameid-format:transient")) {
			t.Errorf("no transient NameID: %s", site.response(t))
		}
	})
	c.check("a new key: both certificates are published, the old one signs, then the new one", func(t *testing.T) {
		key, certificate := newSigner(t)
		s.write(t, "cert/new.key", string(key))
		s.write(t, "cert/new.crt", string(certificate))
		block, _ := pem.Decode(certificate)
		s.set(t, `'new_privatekey' => 'new.key', 'new_certificate' => 'new.crt',`)
		both := h.fetch(t, s.origin+"/saml/saml2/idp/metadata.php")
		if n := strings.Count(both, base64.StdEncoding.EncodeToString(block.Bytes)); n == 0 {
			t.Fatalf("the new certificate is not in\n%s", both)
		}
		connect(t, "metadata_file: "+h.File("both.xml", both))
		first := site.signIn(t, h.visitor(site.own()))
		s.setWhole(t, `'privatekey' => 'new.key', 'certificate' => 'new.crt',`)
		if again := site.signIn(t, h.visitor(site.own())); again.Subject != first.Subject {
			t.Errorf("%+v after %+v", again, first)
		}
		s.set(t, "")
	})
	c.check("a signature by a key that its metadata does not have: refused, until it does", func(t *testing.T) {
		s.set(t, "")
		_, foreign := newSigner(t)
		block, _ := pem.Decode(foreign)
		own, _ := pem.Decode([]byte(readFile(t, filepath.Join(s.dir, "cert/idp.crt"))))
		metadata := h.fetch(t, s.origin+"/saml/saml2/idp/metadata.php")
		swapped := strings.ReplaceAll(metadata, base64.StdEncoding.EncodeToString(own.Bytes),
			base64.StdEncoding.EncodeToString(block.Bytes))
		if swapped == metadata {
			t.Fatalf("its certificate is not in\n%s", metadata)
		}
		connect(t, "metadata_file: "+h.File("swapped.xml", swapped))
		site.refused(t, "sso.error_technical")
		connect(t, "metadata_file: "+h.File("own.xml", metadata))
		site.signIn(t, h.visitor(site.own()))
	})
}
