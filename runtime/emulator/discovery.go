package emulator

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// discoveryPath is where an API of Google has its discovery document, from which clients in many languages are made.
const discoveryPath = "/$discovery/rest"

// discoveryDocument is the one that Google publishes, without its prose and with this service's address left open.
// TestDiscoveryDocument compares it with the copy of google.golang.org/api/cloudtasks/v2, and writes it.
//
//go:embed discovery.json
var discoveryDocument []byte

// discovery serves the discovery document. Who reads it by some name of the listener's calls the API by that name too.
type discovery struct {
	document map[string]json.RawMessage
	log      *slog.Logger
}

func newDiscovery(log *slog.Logger) (*discovery, error) {
	d := &discovery{log: log}
	if err := json.Unmarshal(discoveryDocument, &d.document); err != nil {
		return nil, fmt.Errorf("the discovery document: %w", err)
	}
	return d, nil
}

func (d *discovery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if version := r.URL.Query().Get("version"); r.Method != http.MethodGet && r.Method != http.MethodHead || version != "" && version != "v2" {
		refuseUnknown(w, r)
		return
	}
	root, err := json.Marshal("http://" + r.Host + "/")
	var raw []byte
	if err == nil {
		document := make(map[string]json.RawMessage, len(d.document)+2)
		maps.Copy(document, d.document)
		document["rootUrl"], document["baseUrl"] = root, root
		raw, err = json.Marshal(document)
	}
	format := answerFormat{pretty: true}
	var body []byte
	if err == nil {
		body, err = format.layOut(raw)
	}
	if err != nil {
		d.log.ErrorContext(r.Context(), "writing the discovery document", "error", err)
		writeError(w, format, status.Errorf(codes.Internal, "writing the discovery document: %v", err))
		return
	}
	writeBody(w, http.StatusOK, format, body)
}
