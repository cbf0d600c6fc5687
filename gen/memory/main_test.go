package memory

import (
	"os"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.M{M: m}.Run()) }
