// From a storage location of provider aws, or a repository URL as restic spells it, to an S3 store.
//
// Pure functions; nothing is contacted. Config keys are those of Velero's AWS plugin.
#pragma once

#include <string>
#include <string_view>

#include "blob/s3_store.h"
#include "blob/store_factory.h"

namespace breakwater::blob {

// One profile of an AWS shared credentials file ("[default]", "aws_access_key_id = …"). kInvalid
// names the line or the field that is wrong, never what it holds; kUnsupported names a way to get
// keys that we do not know, such as role_arn.
Result<S3Credentials> parse_credentials(std::string_view text, std::string_view profile);

// As AWS's own tools do: where config of `location` has no s3Url, endpoint_url of the profile in
// location.credentials becomes it. Nothing to do for other providers or without credentials.
// Errors as of parse_credentials.
Result<> take_endpoint(StoreLocation& location);

// Of `location`, whose provider is aws. Understood: region, s3Url, s3ForcePathStyle, profile,
// insecureSkipTLSVerify, serverSideEncryption, kmsKeyId, tagging; a missing s3Url is looked for in
// the profile (take_endpoint). Without effect here: publicUrl,
// signatureVersion, checksumAlgorithm, enableSharedConfig, credentialsFile. kUnsupported: keys of
// the customer's own (customerKeyEncryptionFile). kInvalid: any other key, for it is a typing
// error.
Result<S3Settings> s3_settings_of(const StoreLocation& location);

// "s3:host[:port]/bucket[/prefix]", also with "https://" or "http://" before the host, and
// "s3://host/…". Path-style but for AWS, as restic does; plain http is taken as it was asked for.
// `region` may be "". The location has no credentials yet.
Result<StoreLocation> location_of_restic_url(std::string_view url, std::string_view region);

}  // namespace breakwater::blob
