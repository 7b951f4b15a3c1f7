# bash completion for loamctl
_loamctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  case $previous in
    apply) COMPREPLY=($(compgen -f -W "--no-wait" -- "$current")) ;;
    plan|check|--no-wait)
      if [ "${COMP_WORDS[COMP_CWORD-2]}" = disks ]; then COMPREPLY=(); else COMPREPLY=($(compgen -f -- "$current")); fi ;;
    disks) COMPREPLY=($(compgen -W "plan locate wipe replace --json --help" -- "$current")) ;;
    locate|wipe|replace|--confirm)
      COMPREPLY=($(compgen -W "$(loamctl disks 2>/dev/null | awk 'NR > 1 {print $1}')" -- "$current")) ;;
    verify) COMPREPLY=($(compgen -f -- "$current")) ;;
    upgrade) COMPREPLY=($(compgen -W "check plan start status cancel rollback --json --help" -- "$current")) ;;
    start) COMPREPLY=($(compgen -f -W "--force --reboot --no-wait" -- "$current")) ;;
    rollback) COMPREPLY=($(compgen -W "--reboot" -- "$current")) ;;
    slots) COMPREPLY=($(compgen -W "verify bless fall-back --json --help" -- "$current")) ;;
    release) COMPREPLY=($(compgen -W "build sign verify --json --help" -- "$current")) ;;
    build|sign|--key|--chain|--trust|--signature|--revoked) COMPREPLY=($(compgen -f -- "$current")) ;;
    config) COMPREPLY=($(compgen -W "check schema example" -- "$current")) ;;
    cluster) COMPREPLY=($(compgen -W "join-string kubeconfig --json --help" -- "$current")) ;;
    join-string) COMPREPLY=($(compgen -W "--role --minutes --json --help" -- "$current")) ;;
    --role) COMPREPLY=($(compgen -W "worker control-plane witness" -- "$current")) ;;
    links) COMPREPLY=($(compgen -W "--watch --json --help" -- "$current")) ;;
    health) COMPREPLY=($(compgen -W "--wait --trial" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "status plan apply confirm revert slots upgrade disks cluster release links logs config support retry reboot poweroff health --json --help --version" -- "$current")) ;;
  esac
}
complete -F _loamctl loamctl
