package awssim_test

import (
	"encoding/base64"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awssim"
)

// A launch takes from its template what it does not say itself, and its
// instance says which version that was.
func TestLaunchTemplate(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	group, script := w.group("g"), base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n"))
	data := &types.RequestLaunchTemplateData{ImageId: aws.String(imageX86), InstanceType: "t3.small", UserData: &script,
		MetadataOptions:     &types.LaunchTemplateInstanceMetadataOptionsRequest{HttpTokens: "required", HttpPutResponseHopLimit: aws.Int32(1)},
		BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(12), VolumeType: "gp3"}}},
		NetworkInterfaces:   []types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{{DeviceIndex: aws.Int32(0), SubnetId: &w.SubnetIDs[1], Groups: []string{group}}},
		TagSpecifications:   []types.LaunchTemplateTagSpecificationRequest{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("lt")}}}}}
	create := &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("app"), VersionDescription: aws.String("first"), LaunchTemplateData: data, ClientToken: aws.String("token-1")}
	made := ok[*ec2.CreateLaunchTemplateOutput](t)(w.ec2.CreateLaunchTemplate(ctx, create)).LaunchTemplate
	if again := ok[*ec2.CreateLaunchTemplateOutput](t)(w.ec2.CreateLaunchTemplate(ctx, create)).LaunchTemplate; *again.LaunchTemplateId != *made.LaunchTemplateId || *made.LatestVersionNumber != 1 {
		t.Errorf("the same again: %s, and %s before", *again.LaunchTemplateId, *made.LaunchTemplateId)
	}
	second := ok[*ec2.CreateLaunchTemplateVersionOutput](t)(w.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: made.LaunchTemplateId, SourceVersion: aws.String("1"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: "t3.micro"}})).LaunchTemplateVersion
	if d := second.LaunchTemplateData; *second.VersionNumber != 2 || d.InstanceType != "t3.micro" || *d.ImageId != imageX86 || *second.DefaultVersion {
		t.Errorf("second version: %+v", second)
	}
	versions := func(names ...string) []types.LaunchTemplateVersion {
		return ok[*ec2.DescribeLaunchTemplateVersionsOutput](t)(w.ec2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: aws.String("app"), Versions: names})).LaunchTemplateVersions
	}
	if v := versions(); len(v) != 2 || *v[0].VersionNumber != 2 {
		t.Errorf("versions: %+v", v)
	}
	first := versions("$Default")[0]
	if d := first.LaunchTemplateData; *first.VersionDescription != "first" || !*first.DefaultVersion || *d.UserData != script || *d.BlockDeviceMappings[0].Ebs.VolumeSize != 12 ||
		d.MetadataOptions.HttpTokens != "required" || *d.TagSpecifications[0].Tags[0].Value != "lt" || d.NetworkInterfaces[0].Groups[0] != group || *d.NetworkInterfaces[0].SubnetId != w.SubnetIDs[1] || d.TagSpecifications[0].ResourceType != "instance" {
		t.Errorf("first version: %+v", d)
	}
	launch := func(version string) types.Instance {
		return ok[*ec2.RunInstancesOutput](t)(w.ec2.RunInstances(ctx, &ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateId: made.LaunchTemplateId, Version: &version}})).Instances[0]
	}
	ok[*ec2.ModifyLaunchTemplateOutput](t)(w.ec2.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{LaunchTemplateId: made.LaunchTemplateId, DefaultVersion: aws.String("2")}))
	for version, kind := range map[string]types.InstanceType{"1": "t3.small", "$Default": "t3.micro", "$Latest": "t3.micro"} {
		i := launch(version)
		if i.InstanceType != kind || *i.SecurityGroups[0].GroupId != group || *i.MetadataOptions.HttpPutResponseHopLimit != 1 {
			t.Errorf("version %s launched %s %+v", version, i.InstanceType, i.SecurityGroups)
		}
		found := ok[*ec2.DescribeTagsOutput](t)(w.ec2.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{filter("resource-id", *i.InstanceId), filter("key", "aws:ec2launchtemplate:id")}})).Tags
		if len(found) != 1 || *found[0].Value != *made.LaunchTemplateId {
			t.Errorf("system tags of the instance: %+v", found)
		}
		// They are nobody's to change.
		ok[*ec2.DeleteTagsOutput](t)(w.ec2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{*i.InstanceId}}))
		byTag := ok[*ec2.DescribeInstancesOutput](t)(w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("tag:aws:ec2launchtemplate:id", *made.LaunchTemplateId), filter("instance-id", *i.InstanceId)}}))
		if len(byTag.Reservations) != 1 {
			t.Error("the instance is not found by its template")
		}
		ok[*ec2.GetInstanceUefiDataOutput](t)(w.ec2.GetInstanceUefiData(ctx, &ec2.GetInstanceUefiDataInput{InstanceId: i.InstanceId}))
	}
	if all := ok[*ec2.DescribeLaunchTemplatesOutput](t)(w.ec2.DescribeLaunchTemplates(ctx, &ec2.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{"app"}})).LaunchTemplates; len(all) != 1 || *all[0].DefaultVersionNumber != 2 || *all[0].LatestVersionNumber != 2 {
		t.Errorf("templates: %+v", all)
	}
	ok[*ec2.DeleteLaunchTemplateOutput](t)(w.ec2.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("app")}))
	_, err := w.ec2.DescribeLaunchTemplates(ctx, &ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: []string{*made.LaunchTemplateId}})
	wantCode(t, err, "InvalidLaunchTemplateId.NotFound", "")
}

func TestLaunchTemplate_Refusals(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	data := &types.RequestLaunchTemplateData{InstanceType: "t3.micro"}
	create := func(name string, data *types.RequestLaunchTemplateData) error {
		_, err := w.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{LaunchTemplateName: &name, LaunchTemplateData: data})
		return err
	}
	if err := create("app", data); err != nil {
		t.Fatal(err)
	}
	run := func(spec types.LaunchTemplateSpecification) error {
		_, err := w.ec2.RunInstances(ctx, &ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: &w.SubnetIDs[0], LaunchTemplate: &spec})
		return err
	}
	bad := base64.StdEncoding.EncodeToString(make([]byte, 16<<10+1))
	_, noVersion := w.ec2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: aws.String("app"), Versions: []string{"3"}})
	_, noDefault := w.ec2.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{LaunchTemplateName: aws.String("app"), DefaultVersion: aws.String("7")})
	for code, err := range map[string]error{
		"InvalidLaunchTemplateName.AlreadyExistsException": create("app", data),
		"InvalidLaunchTemplateName.MalformedException":     create("a b", data),
		"MissingParameter":                            create("empty", &types.RequestLaunchTemplateData{}),
		"InvalidParameterValue":                       create("long", &types.RequestLaunchTemplateData{UserData: &bad}),
		"InvalidLaunchTemplateName.NotFoundException": run(types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("none")}),
		"InvalidLaunchTemplateId.Malformed":           run(types.LaunchTemplateSpecification{LaunchTemplateId: aws.String("x")}),
		"InvalidLaunchTemplateId.NotFound":            run(types.LaunchTemplateSpecification{LaunchTemplateId: aws.String("lt-0123456789abcdef0")}),
		"InvalidLaunchTemplateId.VersionNotFound":     noVersion,
	} {
		wantCode(t, err, code, "")
	}
	wantCode(t, noDefault, "InvalidLaunchTemplateId.VersionNotFound", "")
	wantCode(t, run(types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("app")}), "MissingParameter", "ImageId")
}

// Versions go one by one, but not the default one, and no number is given twice.
func TestLaunchTemplate_DeleteVersions(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	name := aws.String("app")
	ok[*ec2.CreateLaunchTemplateOutput](t)(w.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{LaunchTemplateName: name, LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: "t3.micro"}}))
	next := func(kind types.InstanceType) int64 {
		return *ok[*ec2.CreateLaunchTemplateVersionOutput](t)(w.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateName: name,
			LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: kind}})).LaunchTemplateVersion.VersionNumber
	}
	next("t3.small")
	next("t3.medium")
	out := ok[*ec2.DeleteLaunchTemplateVersionsOutput](t)(w.ec2.DeleteLaunchTemplateVersions(ctx, &ec2.DeleteLaunchTemplateVersionsInput{LaunchTemplateName: name, Versions: []string{"1", "3", "9"}}))
	if gone := out.SuccessfullyDeletedLaunchTemplateVersions; len(gone) != 1 || *gone[0].VersionNumber != 3 || *gone[0].LaunchTemplateName != "app" {
		t.Errorf("deleted: %+v", gone)
	}
	codes := map[int64]types.LaunchTemplateErrorCode{}
	for _, kept := range out.UnsuccessfullyDeletedLaunchTemplateVersions {
		codes[*kept.VersionNumber] = kept.ResponseError.Code
	}
	if len(codes) != 2 || codes[1] != "unexpectedError" || codes[9] != "launchTemplateVersionDoesNotExist" {
		t.Errorf("not deleted: %v", codes)
	}
	read := ok[*ec2.DescribeLaunchTemplatesOutput](t)(w.ec2.DescribeLaunchTemplates(ctx, &ec2.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{"app"}})).LaunchTemplates[0]
	if *read.LatestVersionNumber != 2 {
		t.Errorf("latest version %d", *read.LatestVersionNumber)
	}
	if n := next("t3.large"); n != 4 {
		t.Errorf("the next version is %d", n)
	}
	byType := ok[*ec2.DescribeLaunchTemplateVersionsOutput](t)(w.ec2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: name, Filters: []types.Filter{filter("instance-type", "t3.s*")}})).LaunchTemplateVersions
	if len(byType) != 1 || *byType[0].VersionNumber != 2 {
		t.Errorf("versions by type: %+v", byType)
	}
}
