package issuer_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/issuer"
)

// A verifier that discovers the issuer's keys accepts its tokens.
func ExampleIssuer_IDToken() {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	tokens := issuer.New(server.URL)
	mux.Handle("/", tokens.Handler())

	ctx := context.Background()
	token, err := tokens.IDToken(ctx, "tasks@demo.iam.gserviceaccount.com", "https://app.example.com")
	if err != nil {
		log.Fatal(err)
	}
	provider, err := oidc.NewProvider(ctx, server.URL)
	if err != nil {
		log.Fatal(err)
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: "https://app.example.com"}).Verify(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verified.Audience)
	// Output: [https://app.example.com]
}
