#include "support/failing_syscalls.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <system_error>

namespace garner::testing {

namespace {

bool make_fail(const std::vector<FailingCall>& calls) {
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const FailingCall& call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call.number), 0, 1));
    program.push_back(
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(call.error_number)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

std::string run_child(const std::vector<FailingCall>& calls, const std::function<std::string()>& steps) {
  if (!make_fail(calls)) return "unsupported";
  try {
    return steps();
  } catch (const std::exception& error) {
    return std::string("threw ") + error.what();
  }
}

}  // namespace

std::string with_failing_calls(const std::vector<FailingCall>& calls,
                               const std::function<std::string()>& steps) {
  int answer[2];
  if (pipe(answer) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    const std::string seen = run_child(calls, steps);
    _exit(write(answer[1], seen.data(), seen.size()) == static_cast<ssize_t>(seen.size()) ? 0 : 1);
  }
  close(answer[1]);
  std::string seen;
  char buffer[256];
  for (ssize_t got; (got = read(answer[0], buffer, sizeof buffer)) > 0;) {
    seen.append(buffer, static_cast<std::size_t>(got));
  }
  close(answer[0]);
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0)
    throw std::runtime_error("the child did not end well");
  return seen;
}

}  // namespace garner::testing
