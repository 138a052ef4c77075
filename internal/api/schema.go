package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// SchemaPath is where editors and clients find the JSON Schema of backend.yaml.
const SchemaPath = Base + "/schemas/backend.json"

// BackendFile is a backend as backend.yaml says it.
type BackendFile struct {
	Team        string `json:"team,omitempty" doc:"The team that owns it, by name; may be left out while the token is of one team." example:"shop"`
	Name        string `json:"name" doc:"1 to 20 lower-case letters, digits and single hyphens." example:"orders-api"`
	Environment string `json:"environment,omitempty" doc:"Where to provision it, by name or id; may be left out while there is only one environment." example:"local"`
	Spec        Spec   `json:"spec" doc:"What is asked for."`
}

// fileSchema is the JSON Schema of BackendFile, made from the wire types.
func fileSchema() ([]byte, error) {
	registry := huma.NewMapRegistry("#/$defs/", huma.DefaultSchemaNamer)
	root, err := json.Marshal(huma.SchemaFromType(registry, reflect.TypeFor[BackendFile]()))
	if err != nil {
		return nil, fmt.Errorf("write the schema of backend.yaml: %w", err)
	}
	document := map[string]any{}
	if err := json.Unmarshal(root, &document); err != nil {
		return nil, fmt.Errorf("read the schema of backend.yaml: %w", err)
	}
	definitions := registry.Map()
	delete(definitions, "BackendFile")
	document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	document["title"] = "A backend of Drawbridge"
	document["$defs"] = definitions
	return json.MarshalIndent(document, "", "  ")
}

// registerSchema publishes it. Editors ask without a token: it tells no more
// than the OpenAPI document does.
func registerSchema(e *echo.Echo) {
	schema, err := fileSchema()
	e.GET(SchemaPath, func(c echo.Context) error {
		if err != nil {
			return err
		}
		return c.Blob(http.StatusOK, "application/schema+json", schema)
	})
}
