//go:build clients

package clients_test

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentNamesWhatIsTested keeps the table of docs/clients.md true. Apache's versions are those of the machine.
func TestDocumentNamesWhatIsTested(t *testing.T) {
	text, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, version := range map[string]string{
		"openid-client": npmVersion(t, "openid-client"), "oidc-client-ts": npmVersion(t, "oidc-client-ts"), "@openid/appauth": npmVersion(t, "@openid/appauth"),
		"oidc-provider":                     npmVersion(t, "oidc-provider"),
		"spring-boot-starter-oauth2-client": springBootVersion(t),
		"github.com/coreos/go-oidc/v3":      moduleVersion(t, "github.com/coreos/go-oidc/v3"), "golang.org/x/oauth2": moduleVersion(t, "golang.org/x/oauth2"),
		"github.com/zitadel/oidc/v3": moduleVersion(t, "github.com/zitadel/oidc/v3"),
	} {
		if row := "| `" + name + "` | " + version + " |"; !strings.Contains(string(text), row) {
			t.Errorf("docs/clients.md has no row %s", row)
		}
	}
}
