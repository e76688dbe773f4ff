// The folder: whom it trusts, and that files appear whole.
#include "runtime/disk/folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "runtime/disk/prune.h"
#include "tests/runtime/disk/temporary_folder.h"

namespace nestjit::runtime::disk {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Folder opened(const std::string& path) {
  std::string reason;
  std::optional<Folder> folder = Folder::open(path, true, reason);
  if (!folder) throw std::runtime_error(reason);
  return std::move(*folder);
}

std::string refusal(const std::string& path) {
  std::string reason;
  EXPECT_FALSE(Folder::open(path, true, reason).has_value());
  return reason;
}

std::string read_refusal(const Folder& folder, const std::string& name) {
  const FileContent content = folder.read(name);
  EXPECT_FALSE(content.bytes.has_value());
  EXPECT_TRUE(content.bad);
  return content.why;
}

mode_t mode_of(const std::string& path) {
  struct stat info{};
  EXPECT_EQ(lstat(path.c_str(), &info), 0);
  return info.st_mode & 0777;
}

void write(const Folder& folder, const std::string& name, std::string_view text) {
  std::string reason;
  EXPECT_TRUE(folder.write(name, bytes_of(text), reason)) << reason;
}

/// The time of last use, so many seconds ago.
void age(const std::string& file, int64_t seconds) {
  const timespec then{time(nullptr) - seconds, 0};
  const timespec both[] = {then, then};
  ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), both, AT_SYMLINK_NOFOLLOW), 0);
}

TEST(Folder, IsMadeWithAllAboveIt) {
  const TemporaryFolder root;
  const std::string path = root / "a/b/c";
  std::string reason;
  EXPECT_FALSE(Folder::open(path, false, reason).has_value());
  EXPECT_EQ(reason, "");
  write(opened(path), "one", "text");
  EXPECT_EQ(mode_of(path), 0700u);
  EXPECT_EQ(mode_of(path + "/one"), 0600u);
  EXPECT_EQ(content(path + "/one"), "text");
  EXPECT_EQ(root.names("a/b/c"), std::vector<std::string>{"one"});
}

TEST(Folder, ReadsWhatItWrote) {
  const TemporaryFolder root;
  const Folder folder = opened(root / "cache");
  EXPECT_FALSE(folder.read("one").bytes.has_value());
  EXPECT_EQ(folder.read("one").why, "");
  EXPECT_FALSE(folder.read("one").bad);
  write(folder, "one", "first");
  write(folder, "one", "second");
  EXPECT_EQ(folder.read("one").bytes, bytes_of("second"));
  EXPECT_TRUE(folder.rename("one", "two"));
  EXPECT_FALSE(folder.remove("one"));
  EXPECT_TRUE(folder.remove("two"));
  EXPECT_TRUE(root.names("cache").empty());
}

TEST(Folder, FollowsNoLink) {
  const TemporaryFolder root;
  const Folder folder = opened(root / "real");
  fs::create_directory_symlink(root / "real", root / "link");
  EXPECT_NE(refusal(root / "link"), "");
  put(root / "elsewhere", "secret");
  fs::create_symlink(root / "elsewhere", root / "real/linked");
  EXPECT_NE(read_refusal(folder, "linked"), "");
  write(folder, "linked", "own");  // replaces the link, not what it leads to
  EXPECT_EQ(content(root / "elsewhere"), "secret");
  EXPECT_EQ(content(root / "real/linked"), "own");
}

TEST(Folder, TrustsNobodyElse) {
  const TemporaryFolder root;
  const std::string path = root / "cache";
  {
    const Folder folder = opened(path);
    write(folder, "open", "text");
    ASSERT_EQ(chmod((path + "/open").c_str(), 0622), 0);
    EXPECT_EQ(read_refusal(folder, "open"), "others may write to it (mode 622)");
  }
  ASSERT_EQ(chmod(path.c_str(), 0770), 0);
  EXPECT_EQ(refusal(path), path + ": others may write to it (mode 770)");
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(chmod(path.c_str(), 0700), 0);
  write(opened(path), "given", "text");
  ASSERT_EQ(chown((path + "/given").c_str(), 12345, 12345), 0);
  EXPECT_EQ(read_refusal(opened(path), "given"), "it belongs to user 12345, not to 0");
  ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
  EXPECT_EQ(refusal(path), path + ": it belongs to user 12345, not to 0");
}

TEST(Folder, ReadsPlainFilesOnly) {
  const TemporaryFolder root;
  const Folder folder = opened(root / "cache");
  ASSERT_EQ(mkfifo((root / "cache/pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_refusal(folder, "pipe"), "it is not a plain file");
  fs::create_directory(root / "cache/folder");
  EXPECT_EQ(read_refusal(folder, "folder"), "it is not a plain file");
  put(root / "cache/huge", "");
  ASSERT_EQ(chmod((root / "cache/huge").c_str(), 0600), 0);
  fs::resize_file(root / "cache/huge", uintmax_t{1} << 32);
  EXPECT_EQ(read_refusal(folder, "huge"), "it is larger than any kernel");
  put(root / "file", "");
  EXPECT_NE(refusal(root / "file"), "");
}

TEST(Folder, WhatCannotBeReadNowIsNotBad) {
  const TemporaryFolder root;
  const Folder folder = opened(root / "cache");
  write(folder, "file", "text");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const FileContent content = folder.read("file");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(content.bytes.has_value());
  EXPECT_FALSE(content.bad) << content.why;
  EXPECT_NE(content.why, "");
  EXPECT_EQ(folder.read("file").bytes, bytes_of("text"));
}

TEST(Folder, FailedWritesLeaveNothing) {
  const TemporaryFolder root;
  const Folder folder = opened(root / "cache");
  fs::create_directory(root / "cache/name");
  std::string reason;
  EXPECT_FALSE(folder.write("name", bytes_of("text"), reason));
  EXPECT_TRUE(reason.starts_with("it cannot be put in place: ")) << reason;
  EXPECT_EQ(root.names("cache"), std::vector<std::string>{"name"});
}

TEST(Folder, FilesAppearWhole) {
  const TemporaryFolder root;
  const Folder folder = opened(root / "cache");
  write(folder, "file", std::string(100000, 'a'));
  std::vector<std::thread> writers;
  for (char c = 'b'; c < 'f'; ++c)
    writers.emplace_back([&folder, c] {
      for (int i = 0; i < 50; ++i) write(folder, "file", std::string(100000, c));
    });
  for (int i = 0; i < 500; ++i) {
    const auto bytes = folder.read("file").bytes;
    ASSERT_TRUE(bytes.has_value());
    ASSERT_EQ(bytes->size(), 100000u);
    ASSERT_EQ(std::ranges::count(*bytes, bytes->front()), 100000);
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(root.names("cache"), std::vector<std::string>{"file"});
}

TEST(Folder, ReadingNotesTheUse) {
  const TemporaryFolder root;
  const Folder folder = opened(root / "cache");
  write(folder, "file", "text");
  age(root / "cache/file", 5000);
  ASSERT_TRUE(folder.read("file", Folder::Note::none).bytes.has_value());
  EXPECT_LT(folder.files().at(0).used.tv_sec, time(nullptr) - 4000);
  ASSERT_TRUE(folder.read("file").bytes.has_value());
  EXPECT_GT(folder.files().at(0).used.tv_sec, time(nullptr) - 100);
}

TEST(Prune, WhatWasUsedLeastGoesFirst) {
  const TemporaryFolder root;
  const Folder folder = opened(root / "cache");
  for (int i = 0; i < 5; ++i) {
    write(folder, std::string(1, static_cast<char>('a' + i)), std::string(1000, 'x'));
    age(root / (std::string("cache/") + static_cast<char>('a' + i)), 100 - (i * 7 % 5) * 10);
  }
  // From the oldest: a (0), d (1), b (2), e (3), c (4).
  const Settings settings{.most_bytes = 2500, .most_seconds = 1000};
  const Pruned pruned = prune(folder, settings);
  EXPECT_EQ(pruned.files, 3);
  EXPECT_EQ(pruned.bytes, 3000);
  EXPECT_EQ(pruned.files_left, 2);
  EXPECT_EQ(root.names("cache"), (std::vector<std::string>{"c", "e"}));
  EXPECT_EQ(prune(folder, settings).files, 0);
}

TEST(Prune, WhatIsOldGoesAndWhatIsBeingWrittenStays) {
  const TemporaryFolder root;
  const Folder folder = opened(root / "cache");
  for (const char* name : {"new", "old", ".writing", ".dead"}) write(folder, name, "text");
  age(root / "cache/old", 101);
  age(root / "cache/.writing", 200);
  age(root / "cache/.dead", 4000);
  EXPECT_EQ(prune(folder, {.most_bytes = 1000, .most_seconds = 100}).files, 2);
  EXPECT_EQ(root.names("cache"), (std::vector<std::string>{".writing", "new"}));
}

}  // namespace
}  // namespace nestjit::runtime::disk
