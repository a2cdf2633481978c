#include "destination/s3/xml.h"

#include <catch2/catch.hpp>
#include <string>

#include "destination/md5.h"

namespace garner::destination {
namespace {

const std::string kListing =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
    "<Name>b</Name><IsTruncated>true</IsTruncated><NextContinuationToken>1/x==</NextContinuationToken>"
    "<Contents><Key>a/&lt;1&gt;</Key><Size>18446744073709551615</Size>"
    "<LastModified>2009-10-12T17:50:30.123456Z</LastModified></Contents>"
    "<Contents><Key>b</Key><Size>0</Size><LastModified>yesterday</LastModified></Contents>"
    "<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes></ListBucketResult>";

TEST_CASE("S3: a listing is read") {
  const auto listing = parse_listing(as_bytes(kListing));
  REQUIRE(listing);
  REQUIRE(listing->objects.size() == 2);
  CHECK(listing->objects[0].key == "a/<1>");
  CHECK(listing->objects[0].size == ~std::uint64_t{0});
  CHECK(listing->objects[0].modified == TimePoint{1'255'369'830, 0});
  CHECK_FALSE(listing->objects[1].modified);
  CHECK(listing->folders == std::vector<std::string>{"c/"});
  CHECK(listing->next == "1/x==");
}

TEST_CASE("S3: a listing tells the MD5 of what was stored as one piece") {
  const std::string sum = "900150983cd24fb0d6963f7d28e17f72";
  const auto told = [](const std::string& etag) {
    const auto listing =
        parse_listing(as_bytes("<ListBucketResult><IsTruncated>false</IsTruncated><Contents>"
                               "<Key>a</Key><Size>3</Size>" +
                               etag + "</Contents></ListBucketResult>"));
    REQUIRE(listing);
    return listing->objects.at(0).md5;
  };
  CHECK(md5(as_bytes("abc")) == told("<ETag>&quot;" + sum + "&quot;</ETag>"));
  CHECK(md5(as_bytes("abc")) == told("<ETag>" + sum + "</ETag>"));
  CHECK(told("<ETag>\"00000000000000000000000000000000\"</ETag>") == Md5{});
  for (const std::string none : {"", "<ETag/>", "<ETag>\"\"</ETag>", "<ETag>\"</ETag>"})
    CHECK_FALSE(told(none));
  CHECK_FALSE(told("<ETag>\"" + sum + "-2\"</ETag>"));
  CHECK_FALSE(told("<ETag>\"" + sum.substr(1) + "g\"</ETag>"));
  CHECK_FALSE(told("<ETag>\"" + sum.substr(2) + "\"</ETag>"));
}

TEST_CASE("S3: what is not all of a listing is none") {
  for (std::size_t length = 0; length < kListing.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(parse_listing(as_bytes(std::string_view(kListing).substr(0, length))));
  }
  const auto with = [](const std::string& inside) {
    return parse_listing(as_bytes("<ListBucketResult>" + inside + "</ListBucketResult>"));
  };
  CHECK(with("<IsTruncated>false</IsTruncated>"));
  CHECK(with("<IsTruncated>false</IsTruncated><NextContinuationToken/>"));
  CHECK_FALSE(with(""));
  CHECK_FALSE(with("<IsTruncated>true</IsTruncated>"));
  CHECK_FALSE(with("<IsTruncated>maybe</IsTruncated>"));
  CHECK_FALSE(with("<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>-1</Size></Contents>"));
  CHECK_FALSE(with("<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>1e3</Size></Contents>"));
  CHECK_FALSE(with("<IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents>"));
  CHECK_FALSE(parse_listing(as_bytes("<html><body>Welcome</body></html>")));
}

TEST_CASE("S3: parts and uploads are read") {
  const auto parts = parse_parts(as_bytes(
      "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>"
      "<Part><PartNumber>2</PartNumber><ETag>&quot;e&quot;</ETag><Size>8</Size></Part></ListPartsResult>"));
  REQUIRE(parts);
  CHECK(parts->next == 2);
  REQUIRE(parts->parts.size() == 1);
  CHECK(parts->parts[0].etag == "\"e\"");
  CHECK_FALSE(parse_parts(as_bytes("<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>")));
  CHECK_FALSE(
      parse_parts(as_bytes("<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>x"
                           "</PartNumber></Part></ListPartsResult>")));
  const auto uploads = parse_begun_uploads(as_bytes(
      "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>k</Key><UploadId>u"
      "</UploadId><Initiated>2009-10-12T17:50:30.000Z</Initiated></Upload></ListMultipartUploadsResult>"));
  REQUIRE(uploads);
  CHECK(uploads->uploads.at(0).id == "u");
  CHECK(uploads->uploads.at(0).begun == TimePoint{1'255'369'830, 0});
  CHECK(parse_upload_id(as_bytes("<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                                 "</InitiateMultipartUploadResult>")) == "u");
  CHECK_FALSE(parse_upload_id(as_bytes("<InitiateMultipartUploadResult/>")));
  CHECK(is_completion(as_bytes("  \n<CompleteMultipartUploadResult/>")));
  CHECK_FALSE(is_completion(as_bytes("<Error><Code>InternalError</Code></Error>")));
  CHECK_FALSE(is_completion({}));
}

TEST_CASE("S3: errors are read, and their absence") {
  const S3Error error = parse_error(
      as_bytes("<Error><Code>PermanentRedirect</Code><Message>m</Message><Region>eu</Region></Error>"));
  CHECK(error.code == "PermanentRedirect");
  CHECK(error.message == "m");
  CHECK(error.region == "eu");
  CHECK(parse_error(as_bytes("not XML")).code.empty());
  const std::string long_text = "<Error><Code>" + std::string(100'000, 'x') + "</Code></Error>";
  CHECK(parse_error(as_bytes(long_text)).code.size() <= 300);
  const auto errors = parse_delete_errors(
      as_bytes("<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code></Error></DeleteResult>"));
  REQUIRE(errors);
  CHECK(errors->at(0).first == "k");
  CHECK(errors->at(0).second.code == "AccessDenied");
  CHECK(parse_delete_errors(as_bytes("<DeleteResult/>"))->empty());
  CHECK_FALSE(parse_delete_errors(as_bytes("<html/>")));
}

TEST_CASE("S3: a document that expands, or is deep, does no harm") {
  CHECK_FALSE(
      parse_listing(as_bytes("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
                             "\"&a;&a;&a;&a;\">]><ListBucketResult>&b;</ListBucketResult>")));
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  CHECK_FALSE(parse_listing(as_bytes(deep)));
}

TEST_CASE("S3: requests are written") {
  const std::string complete = complete_upload({{1, "\"a\"", 8}, {2, "b", 3}});
  CHECK(complete.find(
            "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part><Part><PartNumber>2</PartNumber>") !=
        std::string::npos);
  const std::string removal = delete_objects({"a", "b&c"});
  CHECK(removal.find("<Quiet>true</Quiet><Object><Key>a</Key></Object><Object><Key>b&amp;c</Key></Object>") !=
        std::string::npos);
}

}  // namespace
}  // namespace garner::destination
