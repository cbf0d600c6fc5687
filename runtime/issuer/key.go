package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

const keyBits = 2048 // like Google's keys

// key is an RSA key that signs tokens.
type key struct {
	id     string
	signer jose.Signer
	public jose.JSONWebKey
}

// newKey generates a key with the given ID, or with a random one if id is empty.
func newKey(id string) (*key, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("generating a signing key: %w", err)
	}
	if id == "" {
		id = rand.Text()
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: id}},
		(&jose.SignerOptions{}).WithType("JWT"),
	)
	if err != nil {
		return nil, fmt.Errorf("creating a signer: %w", err)
	}
	public := jose.JSONWebKey{Key: private.Public(), KeyID: id, Algorithm: string(jose.RS256), Use: "sig"}
	return &key{id: id, signer: signer, public: public}, nil
}
