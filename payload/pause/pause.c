// The first process of a pod: keeps the pod's namespaces, reaps what is orphaned in them, and leaves when it is told to.
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

int main(void) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGTERM);
  sigaddset(&awaited, SIGCHLD);
  // The kernel drops a signal that process 1 neither handles nor blocks.
  sigprocmask(SIG_BLOCK, &awaited, NULL);
  for (;;) {
    int arrived = 0;
    sigwait(&awaited, &arrived);
    if (arrived != SIGCHLD) return 0;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
  }
}
