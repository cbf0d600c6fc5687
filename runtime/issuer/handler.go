package issuer

import (
	"encoding/json"
	"net/http"
)

const (
	// DiscoveryPath is the path of the discovery document, as OpenID Connect specifies it.
	DiscoveryPath = "/.well-known/openid-configuration"
	// KeysPath is the path of the key set.
	KeysPath = "/.well-known/jwks.json"
)

// discovery is a discovery document. It has only the fields that apply to an issuer without a login page.
type discovery struct {
	Issuer        string   `json:"issuer"`
	Keys          string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Claims        []string `json:"claims_supported"`
}

// Handler returns a handler that serves the discovery document at [DiscoveryPath] and the keys at [KeysPath], without authentication.
func (i *Issuer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+DiscoveryPath, func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, discovery{
			Issuer:        i.url,
			Keys:          i.url + KeysPath,
			ResponseTypes: []string{"id_token"},
			SubjectTypes:  []string{"public"},
			Algorithms:    []string{"RS256"},
			Claims:        []string{"aud", "azp", "email", "email_verified", "exp", "iat", "iss", "sub"},
		})
	})
	mux.HandleFunc("GET "+KeysPath, func(w http.ResponseWriter, r *http.Request) {
		keys, err := i.publicKeys()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeJSON(w, keys)
	})
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache") // keys rotate at any time
	_ = json.NewEncoder(w).Encode(v)            // the client is gone
}
