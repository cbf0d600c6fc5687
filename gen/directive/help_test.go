package directive

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The manual says of directives what the table says, so what the parser does. With UPDATE_DOCS set, the page is
// written anew.
func TestDirectivesPage(t *testing.T) {
	t.Parallel()
	name := filepath.Join("..", "..", "docs", "directives.md")
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)(<!-- directives: [^\n]*-->\n\n)(.*)(<!-- end of directives -->\n)`)
	m := section.FindSubmatchIndex(page)
	if m == nil {
		t.Fatalf("%s has no section of directives", name)
	}
	want := markdown() + "\n"
	if os.Getenv("UPDATE_DOCS") != "" {
		updated := string(page[:m[4]]) + want + string(page[m[5]:])
		if err := os.WriteFile(name, []byte(updated), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(page[m[4]:m[5]])); diff != "" {
		t.Errorf("%s (-table +page); UPDATE_DOCS=1 go test ./gen/directive -run TestDirectivesPage mends it:\n%s", name, diff)
	}
}
