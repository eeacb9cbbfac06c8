/**
 * What each shell runs on the Tab key: it asks `hanse __complete`, which answers with one candidate a line, a tab and its description, and
 * with `:files` where a file may stand.
 */
export const COMPLETION_SCRIPTS = {
  bash: `# bash completion of hanse: source <(hanse completion bash)
_hanse() {
  local line files=
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = :files ]; then files=1; continue; fi
    line=\${line%%$'\\t'*}
    printf -v line '%q' "$line"
    COMPREPLY+=("$line")
  done < <("$1" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ -n "$files" ]; then compopt -o default; fi
}
complete -F _hanse hanse
`,
  zsh: `#compdef hanse
# zsh completion of hanse: source <(hanse completion zsh)
_hanse() {
  local line files=
  local -a found
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then files=1; continue; fi
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  (( $#found )) && _describe hanse found
  [[ -n $files ]] && _files
}
if [[ \${funcstack[1]} == _hanse ]]; then _hanse "$@"; else compdef _hanse hanse; fi
`,
  fish: `# fish completion of hanse: hanse completion fish | source
function __hanse_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c hanse -f -a '(__hanse_complete)'
`,
} as const

export type ShellName = keyof typeof COMPLETION_SCRIPTS
