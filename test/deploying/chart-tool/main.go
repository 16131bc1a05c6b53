// Command chart-tool runs Helm's own library: `chart-tool lint|template CHART FILE…` merges the values of the files and
// of standard input, and prints JSON. The helm command would take twice as long to build, for parts that talk
// to clusters and registries.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"
)

const (
	namespace   = "images"
	kubeVersion = "v1.37.0"
)

// rendered is what `helm template` prints, as JSON, with the notes that `helm install` prints.
type rendered struct {
	Objects []map[string]any `json:"objects"`
	Notes   string           `json:"notes"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: chart-tool lint|template CHART FILE")
	}
	command, chart := args[0], args[1]
	values, err := readValues(args[2:])
	if err != nil {
		return err
	}
	switch command {
	case "lint":
		return print(lintChart(chart, values))
	case "template":
		result, err := renderChart(chart, values)
		if err != nil {
			return err
		}
		return print(result)
	}
	return fmt.Errorf("unknown command %q", command)
}

// readValues merges values as helm does: later ones win, and standard input comes last.
func readValues(files []string) (chartutil.Values, error) {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, err
	}
	values, err := chartutil.ReadValues(input)
	if err != nil {
		return nil, err
	}
	for _, file := range slices.Backward(files) {
		more, err := chartutil.ReadValuesFile(file)
		if err != nil {
			return nil, err
		}
		values = chartutil.CoalesceTables(values, more)
	}
	return values, nil
}

// lintChart returns what `helm lint --strict` fails on: warnings and errors.
func lintChart(chart string, values chartutil.Values) []string {
	found := []string{}
	version, err := chartutil.ParseKubeVersion(kubeVersion)
	if err != nil {
		return append(found, err.Error())
	}
	for _, message := range lint.AllWithKubeVersion(chart, values, namespace, version).Messages {
		if message.Severity >= support.WarningSev {
			found = append(found, message.Error())
		}
	}
	return found
}

func renderChart(dir string, values chartutil.Values) (*rendered, error) {
	chart, err := loader.Load(dir)
	if err != nil {
		return nil, err
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	version, err := chartutil.ParseKubeVersion(kubeVersion)
	if err != nil {
		return nil, err
	}
	capabilities.KubeVersion = *version
	release := chartutil.ReleaseOptions{Name: "demo", Namespace: namespace, Revision: 1, IsInstall: true}
	// Checks the values against values.schema.json.
	input, err := chartutil.ToRenderValues(chart, values, release, capabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, input)
	if err != nil {
		return nil, err
	}
	result := &rendered{}
	for name, content := range files {
		switch path.Ext(name) {
		case ".txt":
			result.Notes = content
		case ".yaml":
			for _, manifest := range releaseutil.SplitManifests(content) {
				var object map[string]any
				// Strict: helm install refuses a key that is there twice.
				if err := yaml.UnmarshalStrict([]byte(manifest), &object); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				if object != nil {
					result.Objects = append(result.Objects, object)
				}
			}
		}
	}
	return result, nil
}

func print(result any) error {
	return json.NewEncoder(os.Stdout).Encode(result)
}
