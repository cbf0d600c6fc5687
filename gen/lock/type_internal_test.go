package lock

import "testing"

func TestTypeText(t *testing.T) {
	for _, text := range []string{
		"bool", "uint8", "bytes", "time", "number", "json", "any", "payload",
		"*string", "[]*int64", "[3][]float32", "map[string]any", "map[text(netip.Addr)][]tasks.Item", "map[mixed(string, text(p.Key))]bool",
		"quoted *int64", "text(netip.Addr)", "custom(big.Int)", "mixed(custom(p.T), p.T)", "mixed(text(p.A), custom(p.A))",
		"tasks.Page[tasks.Item, map[string]int]", "map[string]tasks.Page[[2]int]", ".items[].address",
	} {
		parsed, err := parseType(text)
		if err != nil || parsed.String() != text {
			t.Errorf("%s is read as %v, %v", text, parsed, err)
		}
	}
	for _, text := range []string{"", "Bool", "int65", "[]", "[x]int", "[3]", "map[string]", "map[]int", "*", "quoted ", "mixed(int)", "text("} {
		if parsed, err := parseType(text); err == nil {
			t.Errorf("%q is read as %s", text, parsed)
		}
	}
}
