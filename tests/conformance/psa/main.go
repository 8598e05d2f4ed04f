// Pod Security admission's own checks, asked from outside.
//
// Without arguments: reads one pod as JSON a line and writes one line for each,
// {"baseline": [ids], "restricted": [ids]}: the checks of the newest version that refuse it.
// With the argument `registry`: writes {"checks": {id: level}, "volumes": [fields]}: every check that there is, and the
// JSON names of every kind of volume that this version of the API has.
//
// Called by test_psa.py.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kjson "sigs.k8s.io/json"
)

// The size of an object that the API server accepts, with room to spare.
const longestLine = 16 << 20

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "psa:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	if slices.Equal(arguments, []string{"registry"}) {
		return encoder.Encode(registry())
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, longestLine)
	for line := 1; input.Scan(); line++ {
		var pod corev1.Pod
		// As the API server decodes: names of fields in their case, unknown ones ignored.
		if err := kjson.UnmarshalCaseSensitivePreserveInts(input.Bytes(), &pod); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		setDefaults(&pod.Spec)
		verdict := map[api.Level][]policy.CheckID{}
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			verdict[level] = refusedBy(level, &pod)
			// The ids are worked out here, since the evaluator does not tell them; it has the last word.
			whole := policy.AggregateCheckResults(evaluator.EvaluatePod(
				api.LevelVersion{Level: level, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec))
			if whole.Allowed != (len(verdict[level]) == 0) {
				return fmt.Errorf("line %d: %s: the evaluator says %v, the checks %v", line, level, whole, verdict[level])
			}
		}
		if err := encoder.Encode(verdict); err != nil {
			return err
		}
	}
	return input.Err()
}

// The API server sets defaults before admission; this one decides what a check sees
// (k8s.io/kubernetes/pkg/apis/core/v1, SetDefaults_Pod).
func setDefaults(spec *corev1.PodSpec) {
	if !spec.HostNetwork {
		return
	}
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range containers {
			for j := range containers[i].Ports {
				if port := &containers[i].Ports[j]; port.HostPort == 0 {
					port.HostPort = port.ContainerPort
				}
			}
		}
	}
}

// refusedBy returns the checks of a level, in its newest version and without the overridden ones, that refuse the pod.
func refusedBy(level api.Level, pod *corev1.Pod) []policy.CheckID {
	newest := map[policy.CheckID]policy.VersionedCheck{}
	overridden := map[policy.CheckID]bool{}
	for _, check := range policy.DefaultChecks() {
		if check.Level == api.LevelRestricted && level == api.LevelBaseline {
			continue
		}
		version := check.Versions[len(check.Versions)-1]
		newest[check.ID] = version
		for _, id := range version.OverrideCheckIDs {
			overridden[id] = true
		}
	}
	refused := []policy.CheckID{}
	for id, version := range newest {
		if !overridden[id] && !version.CheckPod(&pod.ObjectMeta, &pod.Spec).Allowed {
			refused = append(refused, id)
		}
	}
	slices.Sort(refused)
	return refused
}

func registry() any {
	checks := map[policy.CheckID]api.Level{}
	for _, check := range append(policy.DefaultChecks(), policy.ExperimentalChecks()...) {
		checks[check.ID] = check.Level
	}
	volumes := []string{}
	source := reflect.TypeFor[corev1.VolumeSource]()
	for i := range source.NumField() {
		name, _, _ := strings.Cut(source.Field(i).Tag.Get("json"), ",")
		volumes = append(volumes, name)
	}
	return map[string]any{"checks": checks, "volumes": volumes}
}
