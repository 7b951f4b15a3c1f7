# bash completion for loamctl
_loamctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  case $previous in
    apply) COMPREPLY=($(compgen -f -W "--no-wait" -- "$current")) ;;
    plan|check|--no-wait) COMPREPLY=($(compgen -f -- "$current")) ;;
    slots) COMPREPLY=($(compgen -W "verify fall-back --json --help" -- "$current")) ;;
    config) COMPREPLY=($(compgen -W "check schema example" -- "$current")) ;;
    links) COMPREPLY=($(compgen -W "--watch --json --help" -- "$current")) ;;
    health) COMPREPLY=($(compgen -W "--wait" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "status plan apply confirm revert slots disks links logs config support retry reboot poweroff health --json --help --version" -- "$current")) ;;
  esac
}
complete -F _loamctl loamctl
