#include "backup/command_reader.h"

#include <algorithm>

#include "backup/unreadable.h"
#include "base/error.h"
#include "snapshot/node.h"

namespace garner::backup {

namespace {

constexpr std::uint32_t kMode = 0600;

}  // namespace

CommandReader::CommandReader(RunContext& context, unsigned lane) : context_(context), lane_(lane) {}

void CommandReader::read(const CommandTask& task) {
  const CommandSource& source = context_.options.commands.at(task.number);
  const std::string path = snapshot::command_path(source.name);
  const TimePoint seen = context_.clock.now();
  context_.statistics.current(printable(path));
  context_.statistics.found_file(0);
  std::optional<v1::Node> node;
  try {
    node = take_output(source);
    if (!node) return;
    context_.checkpointer.finished(task.top, {task.top->place_of(""), *node, seen});
    std::lock_guard lock(context_.read_sources.mutex);
    ++context_.read_sources.count;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kReadFailed) throw;
    {
      std::lock_guard lock(context_.read_sources.mutex);
      if (context_.read_sources.first_error.empty())
        context_.read_sources.first_error = printable(path) + ": " + error.what();
    }
    node = keep_last_known(context_, nullptr, path, error, task.earlier);
  }
  context_.statistics.done_file();
  task.top->complete(0, std::move(node), false);
}

std::optional<v1::Node> CommandReader::take_output(const CommandSource& source) {
  const std::size_t longest = context_.names.chunker().sizes().maximum;
  buffer_.resize(2 * longest);
  command::LastLines last_lines;
  const auto is_to_stop = [&] { return context_.stop.stop_requested() || context_.queue.stopped(); };
  snapshot::ContentListBuilder list;
  std::optional<command::Command> running;
  try {
    running.emplace(
        source.request, command::Command::Output::kRead,
        [&](std::string_view line) {
          last_lines.add(line);
          context_.statistics.command_said(source.name, line);
        },
        is_to_stop);
  } catch (const Error& error) {
    throw Error(ErrorKind::kReadFailed, error.what());
  }

  std::size_t first = 0;  // of what is not cut yet
  std::size_t filled = 0;
  for (bool at_end = false; !at_end || first < filled;) {
    if (!at_end && filled - first < longest) {
      if (first > 0) {
        std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(first),
                  buffer_.begin() + static_cast<std::ptrdiff_t>(filled), buffer_.begin());
        filled -= first;
        first = 0;
      }
      const std::size_t got = running->read({buffer_.data() + filled, buffer_.size() - filled});
      // The command waits meanwhile.
      context_.checkpointer.admit(got);
      context_.statistics.read(got);
      context_.statistics.found_bytes(got);
      filled += got;
      at_end = got == 0;
      continue;
    }
    const ByteView data(buffer_.data() + first, filled - first);
    const std::size_t length = context_.names.chunker().next(data);
    store_chunk(list, data.first(length));
    first += length;
  }

  const command::Ending ending = running->wait();
  if (is_to_stop()) return std::nullopt;
  if (!ending.well()) {
    const std::string said = last_lines.text();
    throw Error(ErrorKind::kReadFailed, "its command " + describe(ending, source.request.limit) +
                                            (said.empty() ? std::string() : ": " + said));
  }
  v1::Node node;
  node.set_name(source.name);
  node.set_type(v1::NODE_TYPE_FILE);
  node.set_mode(kMode);
  node.set_uid(source.request.user);
  node.set_gid(running->group());
  *node.mutable_mtime() = snapshot::to_proto(context_.clock.now());
  *node.mutable_ctime() = node.mtime();
  node.set_size(list.length());
  for (auto& entry : list.finish(context_.metadata)) *node.add_content() = std::move(entry);
  return node;
}

void CommandReader::store_chunk(snapshot::ContentListBuilder& list, ByteView chunk) {
  const crypto::BlobId id = context_.names.hasher().id(crypto::BlobKind::kData, chunk);
  context_.statistics.new_content(context_.writer.put(lane_, id, chunk), chunk.size());
  list.add_blob(id, chunk.size(), context_.metadata);
  context_.statistics.done_bytes(chunk.size());
}

// A command that has ended well in an earlier attempt is not run again; one that was cut off begins anew.
std::shared_ptr<Folder> queue_command(RunContext& context, std::size_t number, const v1::Snapshot* base) {
  const v1::SetDefinition& set = context.options.set;
  const std::string& name = context.options.commands[number].name;
  const auto source = static_cast<std::uint32_t>(set.sources_size()) + static_cast<std::uint32_t>(number);
  auto top = std::make_shared<Folder>(nullptr, 0, source, "", FolderBase{},
                                      TreeAssembly(context.earlier, context.metadata, context.owners));
  top->add_slot();
  top->all_listed();
  context.source_devices.push_back(0);
  if (context.resumed) {
    for (FinishedFile& file : context.checkpoint.files_in(source, "")) {
      if (file.node.name() != name) continue;
      ++context.read_sources.count;
      context.statistics.found_file(file.node.size());
      context.statistics.done_file();
      context.statistics.done_bytes(file.node.size());
      top->complete(0, std::move(file.node), false);
      return top;
    }
  }
  CommandTask task{top, number, std::nullopt};
  // Of another set, the same name is another command's.
  if (base != nullptr && base->set().uuid() == set.uuid()) {
    for (const v1::Source& known : base->sources()) {
      if (known.command() && known.root().name() == name) task.earlier = known.root();
    }
  }
  context.queue.add(std::move(task));
  return top;
}

}  // namespace garner::backup
