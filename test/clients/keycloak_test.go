//go:build clients && upstreams

package clients_test

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/test/program"
)

// TestKeycloak signs people in at Keycloak, which is too large for every run (make upstreams unpacks it).
func TestKeycloak(t *testing.T) {
	for name, run := range map[string]func(*testing.T, *house){"OIDC": keycloakOIDC, "SAML": keycloakSAML} {
		t.Run(name, func(t *testing.T) { run(t, newHouse(t, idptest.EmptyPostgres(t))) })
	}
}

const (
	realm     = "es"
	otpSecret = "zesentwintig-letters" // of Jan's app; Keycloak takes its bytes
)

// keycloak is Keycloak as the identity provider of an organisation, with a realm that has two levels of sign-in: a
// password, and a code of an app.
type keycloak struct {
	*process
	h              *house
	origin, issuer string
	version        string
	jan            string // identifier of his account
	words          string // of the administrator
	steps          int64  // the last step of 30 s whose code was typed: Keycloak takes each once
}

func startKeycloak(t *testing.T, h *house) *keycloak {
	t.Helper()
	homes, err := filepath.Glob(tools + "/keycloak/target/keycloak-*")
	if err != nil || len(homes) != 1 {
		t.Fatalf("%d Keycloaks are unpacked, not one (make upstreams): %v", len(homes), err)
	}
	port := program.FreePort(t)
	_, version, _ := strings.Cut(filepath.Base(homes[0]), "-")
	k := &keycloak{h: h, origin: "https://localhost:" + port, version: version, words: secret.Token()}
	k.issuer = k.origin + "/realms/" + realm
	cmd := exec.Command(homes[0]+"/bin/kc.sh", "start-dev", "--db=dev-mem", "--cache=local", "--http-enabled=false", "--https-port="+port,
		"--http-host=127.0.0.1", "--https-certificate-file="+h.Chain, "--https-certificate-key-file="+h.Key,
		"--truststore-paths="+h.Authority, "--http-management-port="+program.FreePort(t), "--log-level=warn")
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + h.Dir, "JAVA_OPTS_KC_HEAP=-Xms64m -Xmx640m",
		"KC_BOOTSTRAP_ADMIN_USERNAME=admin", "KC_BOOTSTRAP_ADMIN_PASSWORD=" + k.words,
	}
	k.process = startWithin(t, 3*time.Minute, "Keycloak", cmd, env, func() error { return h.answers(k.origin + "/realms/master") })
	k.makeRealm(t)
	return k
}

// call asks the administration of Keycloak, and reads its answer as JSON. It is the identifier of what was made.
func (k *keycloak) call(t *testing.T, method, path string, body, answer any) (id string) {
	t.Helper()
	var form oauth2.Token
	res, err := k.h.http.PostForm(k.origin+"/realms/master/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {"admin"}, "password": {k.words},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = json.NewDecoder(res.Body).Decode(&form)
	_ = res.Body.Close() // it was read
	if err != nil {
		t.Fatal(err)
	}
	kind := "application/json"
	content, ok := body.([]byte)
	if ok {
		kind = "application/xml"
	} else if content, err = json.Marshal(body); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, k.origin+path, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+form.AccessToken)
	if res, err = k.h.http.Do(r); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it was read
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s %s %v", method, path, res.Status, text, err)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	_, id, _ = cutLast(res.Header.Get("Location"), "/")
	return id
}

const admin = "/admin/realms/" + realm

type object = map[string]any

func (k *keycloak) makeRealm(t *testing.T) {
	t.Helper()
	k.call(t, http.MethodPost, "/admin/realms", object{
		"realm": realm, "enabled": true, "attributes": object{"acr.loa.map": `{"silver":1,"gold":2}`},
	}, nil)
	k.makeFlow(t, "levels", "")
	k.makeExecution(t, "levels", "auth-cookie", "ALTERNATIVE")
	k.makeFlow(t, "level-forms", "levels")
	for i, name := range []string{"level-password", "level-code"} {
		k.makeFlow(t, name, "level-forms")
		level := k.makeExecution(t, name, "conditional-level-of-authentication", "REQUIRED")
		k.call(t, http.MethodPost, admin+"/authentication/executions/"+level+"/config", object{
			"alias": name + " level", "config": object{"loa-condition-level": string(rune('1' + i)), "loa-max-age": []string{"36000", "0"}[i]},
		}, nil)
		k.makeExecution(t, name, []string{"auth-username-password-form", "auth-otp-form"}[i], "REQUIRED")
	}
	k.require(t, "levels", "level-forms", "ALTERNATIVE")
	k.require(t, "level-forms", "level-password", "CONDITIONAL")
	k.require(t, "level-forms", "level-code", "CONDITIONAL")
	k.call(t, http.MethodPut, admin, object{"realm": realm, "browserFlow": "levels"}, nil)
	secretData, err := json.Marshal(object{"value": otpSecret})
	if err != nil {
		t.Fatal(err)
	}
	k.jan = k.call(t, http.MethodPost, admin+"/users", object{
		"username": "jan", "enabled": true, "email": "jan@lindehof.example", "emailVerified": true, "firstName": "Jan", "lastName": "Jansen",
		"credentials": []object{
			{"type": "password", "value": jansWords},
			{"type": "otp", "secretData": string(secretData), "credentialData": `{"subType":"totp","digits":6,"period":30,"algorithm":"HmacSHA1","counter":0}`},
		},
	}, nil)
}

func (k *keycloak) makeFlow(t *testing.T, alias, in string) {
	t.Helper()
	if in == "" {
		k.call(t, http.MethodPost, admin+"/authentication/flows", object{"alias": alias, "providerId": "basic-flow", "topLevel": true}, nil)
		return
	}
	k.call(t, http.MethodPost, admin+"/authentication/flows/"+in+"/executions/flow", object{"alias": alias, "type": "basic-flow"}, nil)
}

// makeExecution adds a step to a flow.
func (k *keycloak) makeExecution(t *testing.T, flow, provider, requirement string) (id string) {
	t.Helper()
	id = k.call(t, http.MethodPost, admin+"/authentication/flows/"+flow+"/executions/execution", object{"provider": provider}, nil)
	k.call(t, http.MethodPut, admin+"/authentication/flows/"+flow+"/executions", object{"id": id, "requirement": requirement}, nil)
	return id
}

// require says when a flow in another one is taken.
func (k *keycloak) require(t *testing.T, flow, inner, requirement string) {
	t.Helper()
	var all []struct {
		ID   string `json:"id"`
		Name string `json:"displayName"`
	}
	k.call(t, http.MethodGet, admin+"/authentication/flows/"+flow+"/executions", nil, &all)
	for _, e := range all {
		if e.Name == inner {
			k.call(t, http.MethodPut, admin+"/authentication/flows/"+flow+"/executions", object{"id": e.ID, "requirement": requirement}, nil)
			return
		}
	}
	t.Fatalf("flow %s has no %s: %v", flow, inner, all)
}

// asked types who Jan is, and a code where one is asked.
func (k *keycloak) asked(t *testing.T, v *visitor) {
	t.Helper()
	if !strings.HasPrefix(v.URL.String(), k.issuer) {
		t.Fatalf("not asked at Keycloak, but at %s (%d):\n%s", v.URL, v.Status, v.Body)
	}
	if form, _ := v.form(t); form.Has("username") || form.Has("password") {
		v.submits(t, map[string]string{"username": "jan", "password": jansWords})
	}
	if form, _ := v.form(t); form.Has("otp") {
		v.submits(t, map[string]string{"otp": k.code(t)})
	}
}

// code is one that was not typed yet.
func (k *keycloak) code(t *testing.T) string {
	t.Helper()
	for time.Now().Unix()/30 <= k.steps {
		time.Sleep(time.Second)
	}
	k.steps = time.Now().Unix() / 30
	out, err := exec.Command("oathtool", "--totp", "-b", base32.StdEncoding.EncodeToString([]byte(otpSecret))).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// signOut ends Jan's session there in his browser.
func (k *keycloak) signOut(t *testing.T, v *visitor) {
	t.Helper()
	v.visit(t, k.issuer+"/protocol/openid-connect/logout")
	v.submits(t, nil)
	if v.Status != http.StatusOK {
		t.Fatalf("at %s (%d):\n%s", v.URL, v.Status, v.Body)
	}
}

// endSessions ends each session of Jan, as an administrator. "Logout all sessions" of a person tells of one of them only.
func (k *keycloak) endSessions(t *testing.T) {
	t.Helper()
	var all []struct {
		ID string `json:"id"`
	}
	k.call(t, http.MethodGet, admin+"/users/"+k.jan+"/sessions", nil, &all)
	for _, session := range all {
		k.call(t, http.MethodDelete, admin+"/sessions/"+session.ID, nil, nil)
	}
}

func keycloakOIDC(t *testing.T, h *house) {
	k := startKeycloak(t, h)
	c := client{t, "Keycloak, OIDC", k.version}
	site := newSite(t, h, "keycloak-site", k.asked)
	there := h.issuer + "/federation/lindehof/"
	for id, more := range map[string]object{"minddistrict": {"secret": secretText}, "minddistrict-key": {"clientAuthenticatorType": "client-jwt"}} {
		made := object{"clientId": id, "redirectUris": []string{there + "callback"}, "attributes": object{
			"backchannel.logout.url": there + "backchannel", "backchannel.logout.session.required": "true",
			"use.jwks.url": "true", "jwks.url": there + "jwks", // read where it proves itself by a key
		}}
		maps.Copy(made, more)
		k.call(t, http.MethodPost, admin+"/clients", made, nil)
	}
	connect := func(t *testing.T, settings string) {
		t.Helper()
		h.connect(t, `
      - name: lindehof
        kind: oidc
        names: { nl: `+organisation+` }
        key: { by: sub }
        contract: { rows: [{ claim: acr, value: gold, acr: "urn:minddistrict:acr:2fa", amr: [otp] }], counts: true }
        access: { jit: create, role: professional }
        oidc: { issuer: "`+k.issuer+`", `+settings+` }
`)
	}
	const ours = "client_id: minddistrict, auth: client_secret_basic, secret: " + secretText
	connect(t, ours)
	site.checks(c, false)
	c.check("two factors there are asked and count here, where a party wants them", func(t *testing.T) {
		got := site.signIn(t, h.visitor(site.own()), oauth2.SetAuthURLParam("acr_values", "urn:minddistrict:acr:2fa"))
		if got.ACR != "urn:minddistrict:acr:2fa" || !slices.Contains(got.AMR, "otp") || !slices.Contains(got.AMR, "mfa") {
			t.Errorf("%+v", got)
		}
	})
	c.check("back-channel logout ends that session here, and no other", func(t *testing.T) {
		v, other := h.visitor(site.own()), h.visitor(site.own())
		site.signIn(t, v)
		site.signIn(t, other)
		k.signOut(t, v)
		site.signedOut(t, v)
		site.end(t, other, site.begin(t, other)) // goes on
	})
	c.check("an administrator there ends each session of Jan, and those here end", func(t *testing.T) {
		v, other := h.visitor(site.own()), h.visitor(site.own())
		site.signIn(t, v)
		site.signIn(t, other)
		k.endSessions(t)
		site.signedOut(t, v)
		site.signedOut(t, other)
	})
	c.check("a new key there is read", func(t *testing.T) {
		var about struct {
			ID string `json:"id"`
		}
		k.call(t, http.MethodGet, admin, nil, &about)
		k.call(t, http.MethodPost, admin+"/components", object{
			"name": "new", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider", "parentId": about.ID,
			"config": object{"priority": []string{"200"}},
		}, nil)
		time.Sleep(30 * time.Second) // keys are read that often at most
		site.signIn(t, h.visitor(site.own()))
	})
	c.check("private_key_jwt by the keys that we publish", func(t *testing.T) {
		connect(t, "client_id: minddistrict-key, auth: private_key_jwt")
		site.signIn(t, h.visitor(site.own()))
	})
	c.check("a wrong secret is a page of ours that says so, and a right one mends it", func(t *testing.T) {
		connect(t, "client_id: minddistrict, auth: client_secret_basic, secret: wrong-"+secretText)
		site.refused(t, "sso.error_settings")
		connect(t, ours)
		site.signIn(t, h.visitor(site.own()))
	})
}

func keycloakSAML(t *testing.T, h *house) {
	k := startKeycloak(t, h)
	c := client{t, "Keycloak, SAML", k.version}
	site := newSite(t, h, "keycloak-saml-site", k.asked)
	metadata := k.issuer + "/protocol/saml/descriptor"
	connect := func(t *testing.T, from string) {
		t.Helper()
		h.connect(t, `
      - name: lindehof
        kind: saml
        names: { nl: `+organisation+` }
        key: { by: nameid }
        access: { jit: create, role: professional }
        saml: { entity_id: "`+k.issuer+`", `+from+`, sign_requests: true }
`)
	}
	connect(t, `metadata_url: "`+metadata+`"`)
	var made object
	var id string
	c.check("it takes the metadata that we publish", func(t *testing.T) {
		id, made = k.makeSAMLClient(t, []byte(h.fetch(t, h.issuer+"/federation/lindehof/metadata")))
	})
	set := func(t *testing.T, attributes object) {
		t.Helper()
		for name, value := range attributes {
			made["attributes"].(object)[name] = value
		}
		k.call(t, http.MethodPut, admin+"/clients/"+id, made, nil)
	}
	set(t, object{"saml.encrypt": "false"})
	for _, name := range []string{"email", "firstName", "lastName", "id"} {
		k.call(t, http.MethodPost, admin+"/clients/"+id+"/protocol-mappers/models", object{
			"name": name, "protocol": "saml", "protocolMapper": "saml-user-property-mapper", "config": object{
				"user.attribute": name, "attribute.name": attributeNames[name], "attribute.nameformat": "Basic",
			},
		}, nil)
	}
	site.checks(c, true) // its AuthnInstant is the time of the answer
	v := h.visitor(site.own())
	c.check("single logout begun there, through the browser, ends the session here", func(t *testing.T) {
		site.signIn(t, v)
		k.signOut(t, v)
		site.onward(t, v)
		site.signedOut(t, v)
	})
	c.check("an administrator there ends Jan's sessions, and they end here", func(t *testing.T) {
		made["frontchannelLogout"] = false
		set(t, nil)
		site.signIn(t, v)
		k.endSessions(t)
		site.signedOut(t, v)
	})
	c.check("an attribute id has the person's ID there, so that it can be the key", func(t *testing.T) {
		var people []struct{ ID string }
		k.call(t, http.MethodGet, admin+"/users", nil, &people)
		site.signIn(t, h.visitor(site.own()))
		if value := regexp.MustCompile(`Name="id".*?<saml:AttributeValue[^>]*>([^<]+)<`).FindSubmatch(site.response(t)); len(people) != 1 || value == nil || string(value[1]) != people[0].ID {
			t.Errorf("%q, not the ID of %v: %s", value, people, site.response(t))
		}
	})
	c.check("an encrypted assertion", func(t *testing.T) {
		set(t, object{"saml.encrypt": "true"})
		site.signIn(t, h.visitor(site.own()))
		if !bytes.Contains(site.response(t), []byte("EncryptedAssertion")) {
			t.Errorf("not encrypted: %s", site.response(t))
		}
	})
	c.check("a new key there: refused, until the new metadata is declared", func(t *testing.T) {
		set(t, object{"saml.encrypt": "false"})
		var about struct {
			ID string `json:"id"`
		}
		k.call(t, http.MethodGet, admin, nil, &about)
		key, certificate := newSigner(t)
		k.call(t, http.MethodPost, admin+"/components", object{
			"name": "new", "providerId": "rsa", "providerType": "org.keycloak.keys.KeyProvider", "parentId": about.ID,
			"config": object{"priority": []string{"200"}, "privateKey": []string{string(key)}, "certificate": []string{bare(certificate)}},
		}, nil)
		site.refused(t, "sso.error_technical") // an address is read anew ten minutes after the last time
		connect(t, "metadata_file: "+h.File("keycloak.xml", h.fetch(t, metadata)))
		site.signIn(t, h.visitor(site.own()))
	})
	if name := os.Getenv("IDP_RECORD"); name != "" {
		for kind, encrypt := range map[string]string{"": "false", "-encrypted": "true"} {
			speaker{
				h: h, product: "Keycloak " + k.version, metadataURL: metadata, entity: k.issuer, asked: k.asked,
				takes: func(t *testing.T, ours []byte) {
					id, made = k.makeSAMLClient(t, ours)
					set(t, object{"saml.encrypt": encrypt})
				},
			}.record(t, name+kind)
			k.call(t, http.MethodDelete, admin+"/clients/"+id, nil, nil)
		}
	}
}

// attributeNames are those that we read, of the properties that Keycloak has.
var attributeNames = map[string]string{"email": "mail", "firstName": "givenName", "lastName": "sn", "id": "id"}

// makeSAMLClient makes a client of our metadata, as the button for that in its administration does.
func (k *keycloak) makeSAMLClient(t *testing.T, ours []byte) (id string, made object) {
	t.Helper()
	k.call(t, http.MethodPost, admin+"/client-description-converter", ours, &made)
	attributes, _ := made["attributes"].(object)
	attributes["saml_name_id_format"], attributes["saml_force_name_id_format"] = "persistent", "true"
	id = k.call(t, http.MethodPost, admin+"/clients", made, nil)
	made = nil
	k.call(t, http.MethodGet, admin+"/clients/"+id, nil, &made)
	return id, made
}

// bare is a certificate as Keycloak keeps it, in Base64.
func bare(certificate []byte) string {
	block, _ := pem.Decode(certificate)
	text := string(pem.EncodeToMemory(block))
	text = strings.TrimPrefix(text, "-----BEGIN CERTIFICATE-----\n")
	text, _, _ = strings.Cut(text, "-----END")
	return strings.ReplaceAll(text, "\n", "")
}
