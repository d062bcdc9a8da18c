package federation

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// strict is a connection from which each key can be weakened.
func strict() *Connection {
	return &Connection{
		ID: "lindehof", Kind: SAML, Roles: []platform.Role{platform.Professional}, Domains: []Domain{{Name: "lindehof.example"}},
		Key: KeyRule{By: ByEntra}, Contract: Contract{Rows: []ContractRow{{Claim: ByAMR, Value: "mfa", ACR: authn.TwoFactor}}, MaxAge: time.Hour},
		Access: Access{Role: platform.Client, Strict: true, Table: []RoleRow{{"a", platform.Professional}}},
		OIDC:   OIDCSettings{Issuer: "https://a.example", Auth: PrivateKeyJWT},
		SAML:   SAMLSettings{EntityID: "https://a.example", MetadataKey: "x", SignRequests: true},
	}
}

var weaker = []struct {
	key    string
	change func(*Connection)
	both   bool // the way back is weaker, too
}{
	{"kind", func(c *Connection) { c.Kind = OIDC }, true},
	{"roles", func(c *Connection) { c.Roles = append(c.Roles, platform.Client) }, false},
	{"roles", func(c *Connection) { c.Roles = nil }, false},
	{"domains", func(c *Connection) { c.Domains[0].Proven = true }, false},
	{"domains", func(c *Connection) { c.Domains = []Domain{{Name: "b.example", Proven: true}} }, false},
	{"key", func(c *Connection) { c.Key = KeyRule{By: ByNameID} }, true},
	{"contract", func(c *Connection) { c.Contract.Counts = true }, false},
	{"contract", func(c *Connection) { c.Contract.MaxAge = 0 }, false},
	{"contract", func(c *Connection) { c.Contract.MaxAge = 2 * time.Hour }, false},
	{"contract", func(c *Connection) { c.Contract.Preset = ADFS }, false},
	{"contract", func(c *Connection) {
		c.Contract.Rows = append(c.Contract.Rows, ContractRow{Claim: ByAMR, Value: "pwd", ACR: authn.OneFactor, AMR: []string{"pwd"}})
	}, false},
	{"idle", func(c *Connection) { c.Idle = IdleBounce }, false},
	{"mapping.email", func(c *Connection) { c.Mapping.Email = []string{"mail"} }, true},
	{"mapping.roles", func(c *Connection) { c.Mapping.Roles = []string{"titles"} }, true},
	{"access.jit", func(c *Connection) { c.Access.JIT = JITInvited }, false},
	{"access.jit", func(c *Connection) { c.Access.JIT = JITCreate }, false},
	{"access.role", func(c *Connection) { c.Access.Role = platform.Professional }, false},
	{"access.table", func(c *Connection) { c.Access.Table = nil }, true},
	{"access.strict", func(c *Connection) { c.Access.Strict = false }, false},
	{"access.manages", func(c *Connection) { c.Access.Manages = []platform.Role{platform.Manager} }, false},
	{"oidc.issuer", func(c *Connection) { c.OIDC.Issuer = "https://b.example" }, true},
	{"oidc.auth", func(c *Connection) { c.OIDC.Auth = SecretPost }, false},
	{"saml.entity_id", func(c *Connection) { c.SAML.EntityID = "https://b.example" }, true},
	{"saml.metadata_key_file", func(c *Connection) { c.SAML.MetadataKey = "" }, false},
	{"saml.sign_requests", func(c *Connection) { c.SAML.SignRequests = false }, false},
	{"saml.cbc_in_assertions", func(c *Connection) { c.SAML.CBC = true }, false},
}

func TestWeakerConnectionIsKnownInOneDirectionOnly(t *testing.T) {
	covered := map[string]bool{}
	for _, w := range weaker {
		covered[w.key] = true
		is := strict()
		w.change(is)
		if got := is.WeakerThan(strict()); !slices.Equal(got, []string{w.key}) {
			t.Errorf("%s: weaker in %v", w.key, got)
		}
		if back := strict().WeakerThan(is); len(back) > 0 != w.both {
			t.Errorf("%s: and the way back is weaker in %v", w.key, back)
		}
		if same := is.WeakerThan(is); len(same) > 0 {
			t.Errorf("%s: weaker than itself in %v", w.key, same)
		}
	}
	for _, row := range trust {
		if row.key != "" {
			covered[row.key] = true
		}
	}
	for _, w := range weakenings {
		if !covered[w.key] {
			t.Errorf("no row of the table above for %s", w.key)
		}
	}
}

// document is metadata with these certificates.
func document(certificates ...string) string {
	all := "<EntityDescriptor entityID='https://a.example' xmlns:ds='http://www.w3.org/2000/09/xmldsig#'>"
	for _, c := range certificates {
		all += "<ds:X509Certificate>" + c + "</ds:X509Certificate>"
	}
	return all + "</EntityDescriptor>"
}

// trust is who says which keys an upstream signs with, before and after.
var trust = []struct {
	says    string
	was, is SAMLSettings
	key     string // in which it is weaker; empty: it is not
}{
	{"the same address", SAMLSettings{MetadataURL: "https://a"}, SAMLSettings{MetadataURL: "https://a"}, ""},
	{"another address", SAMLSettings{MetadataURL: "https://a"}, SAMLSettings{MetadataURL: "https://b"}, "saml.metadata_url"},
	{"another address, signed as before", SAMLSettings{MetadataURL: "https://a", MetadataKey: "k"}, SAMLSettings{MetadataURL: "https://b", MetadataKey: "k"}, ""},
	{"another address, signed now", SAMLSettings{MetadataURL: "https://a"}, SAMLSettings{MetadataURL: "https://b", MetadataKey: "k"}, "saml.metadata_url"},
	{"the same address, signed now", SAMLSettings{MetadataURL: "https://a"}, SAMLSettings{MetadataURL: "https://a", MetadataKey: "k"}, ""},
	{"a file for an address", SAMLSettings{MetadataURL: "https://a"}, SAMLSettings{Metadata: document("AA")}, "saml.metadata_url"},
	{"an address for a file", SAMLSettings{Metadata: document("AA")}, SAMLSettings{MetadataURL: "https://a"}, "saml.metadata_url"},
	{"the same file", SAMLSettings{Metadata: "no XML"}, SAMLSettings{Metadata: "no XML"}, ""},
	{"a new certificate", SAMLSettings{Metadata: document("AA")}, SAMLSettings{Metadata: document("AA", "BB")}, "saml.metadata_file"},
	{"another certificate", SAMLSettings{Metadata: document("AA")}, SAMLSettings{Metadata: document("BB")}, "saml.metadata_file"},
	{"a certificate less", SAMLSettings{Metadata: document("AA", "BB")}, SAMLSettings{Metadata: document("AA")}, ""},
	{"the same one in other lines", SAMLSettings{Metadata: document("AABB")}, SAMLSettings{Metadata: "\xef\xbb\xbf" + document("\nAA\n BB\n")}, ""},
	{"a new certificate, signed as before", SAMLSettings{Metadata: document("AA"), MetadataKey: "k"}, SAMLSettings{Metadata: document("BB"), MetadataKey: "k"}, ""},
	{"a file that cannot be read", SAMLSettings{Metadata: document("AA")}, SAMLSettings{Metadata: document("AA") + "<"}, "saml.metadata_file"},
}

// Who says which keys count is whom we trust: somebody else, or a file with a key that was not in it, is for who may weaken.
func TestAnotherVoucherIsWeaker(t *testing.T) {
	for _, row := range trust {
		var want []string
		if row.key != "" {
			want = []string{row.key}
		}
		was, is := &Connection{Kind: SAML, SAML: row.was}, &Connection{Kind: SAML, SAML: row.is}
		if got := is.WeakerThan(was); !slices.Equal(got, want) {
			t.Errorf("%s: weaker in %v, want %v", row.says, got, want)
		}
	}
}

// unable are the fields that cannot weaken anything, each with why.
var unable = map[string]string{
	"Platform":          "where it is",
	"ID":                "which it is",
	"Names":             "shown to people",
	"Contact":           "who is told",
	"Place":             "where a button stands",
	"Mapping.Given":     "shown to people",
	"Mapping.Middle":    "shown to people",
	"Mapping.Family":    "shown to people",
	"Mapping.Employee":  "shown to people; a key is a rule of its own",
	"OIDC.ClientID":     "what the organisation calls us",
	"OIDC.Audience":     "whom our own assertions are for",
	"OIDC.Scopes":       "what is asked for; what counts is in the contract",
	"OIDC.FormPost":     "the same answer another way",
	"SAML.NameIDFormat": "asked for; the key is a rule of its own",
	"SAML.Artifact":     "the same answer another way",
	"SAML.PostRequests": "the same request another way",
	"SAML.Decides":      "what is asked for; what counts is in the contract",
	"SAML.Scoping":      "which of a hub's providers is offered",
	"Disabled":          "nobody signs in by it, or people do as before",
	"Secret":            "proves us to them",
	"Keys":              "prove us to them",
	"Baseline":          "no file changes it",
}

// A new field must be put somewhere: it weakens something, or there is a reason why it cannot.
func TestEveryFieldOfConnectionIsWeighed(t *testing.T) {
	weighed := map[string]bool{}
	for _, w := range weakenings {
		for field := range strings.FieldsSeq(w.fields) {
			weighed[field] = true
			if unable[field] != "" {
				t.Errorf("%s is weighed twice", field)
			}
		}
	}
	for field, why := range unable {
		weighed[field] = why != ""
	}
	var all []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Connection]()) {
		if f.Type.Kind() != reflect.Struct || f.Name == "Key" {
			all = append(all, f.Name)
			continue
		}
		for _, inner := range reflect.VisibleFields(f.Type) {
			all = append(all, f.Name+"."+inner.Name)
		}
	}
	for _, field := range all {
		if !weighed[field] {
			t.Errorf("Connection.%s: does a connection protect less with another value? Say so in weakenings, or here why not", field)
		}
		delete(weighed, field)
	}
	if len(weighed) > 0 {
		t.Errorf("no such fields: %v", weighed)
	}
}

// Who is on the other side may be mended without asking while nothing rests on it; nothing else may.
func TestATypoOfAConnectionThatWasNeverUsedIsMended(t *testing.T) {
	for _, w := range weaker {
		for says, row := range map[string]struct {
			was   func(*Connection)
			links int64
			rests bool
		}{
			"never used":       {func(*Connection) {}, 0, false},
			"linked":           {func(*Connection) {}, 1, true},
			"confirmed":        {func(c *Connection) { c.Baseline = &Baseline{} }, 0, true},
			"of a proven name": {func(c *Connection) { c.Domains[0].Proven = true }, 0, true},
		} {
			was, is := strict(), strict()
			row.was(was)
			row.was(is)
			w.change(is)
			var want []string
			for _, key := range is.WeakerThan(was) {
				if row.rests || !slices.Contains([]string{"oidc.issuer", "saml.entity_id"}, key) {
					want = append(want, key)
				}
			}
			if got := is.WeakerInUse(was, row.links); !slices.Equal(got, want) {
				t.Errorf("%s, %s: weaker in %v, want %v", w.key, says, got, want)
			}
		}
	}
	for _, row := range trust {
		was, is := &Connection{Kind: SAML, SAML: row.was}, &Connection{Kind: SAML, SAML: row.is}
		for _, key := range is.WeakerInUse(was, 0) {
			if key == "saml.metadata_url" || key == "saml.metadata_file" {
				t.Errorf("%s: never used, and weaker in %s", row.says, key)
			}
		}
	}
}
