// Owns what is said of one task's history in English and Korean; must hold no logic.

/** @type {Record<string, Record<string, string>>} */
export const further = {
  en: {
    history: "What happened", log: "Log", facts: "Facts", over: "Progress over time", params: "Submitted with", noEvents: "Nothing yet.",
    chart: "{title}: from {a} % to {b} % in {t}",
    "task.created": "Accepted", "task.started": "Attempt {n} began", "task.retrying": "Attempt {n} did not work: {m}. Next try {t}",
    "task.returned:shutdown": "Handed back: its worker was stopped", "task.returned:worker_lost": "Taken back: its worker vanished",
    "task.succeeded": "Succeeded", "task.failed": "Failed: {m}", "task.cancel_requested": "Asked to stop", "task.cancelled": "Cancelled",
    "task.dismissed": "Closed", id: "Number", type: "Type", queue: "Queue", tags: "Tags", created: "Accepted", began: "Began", endedAt: "Ended",
    again: "Repeats", "why.queued": "It waits for a free worker.", "why.no_worker": "No worker that can do this is running at the moment.",
    "why.own_limit": "It waits for other tasks of yours to end first.", "why.returned": "Its worker was lost or stopped; another one will take it.",
    "why.due": "It is due and waits for a free worker.", "why.retrying": "It did not work and is tried again {t}.", "why.scheduled": "It starts {t}.",
    loadingDetails: "Loading…", trouble: "The details cannot be loaded at the moment.", lines: "{n} earlier lines are not shown.",
  },
  ko: {
    history: "진행 기록", log: "로그", facts: "정보", over: "시간에 따른 진행률", params: "제출한 값", noEvents: "아직 없습니다.",
    chart: "{title}: {t} 동안 {a} %에서 {b} %까지",
    "task.created": "접수됨", "task.started": "{n}번째 시도 시작", "task.retrying": "{n}번째 시도 실패: {m}. {t} 다시 시도",
    "task.returned:shutdown": "작업자가 종료되어 대기열로 돌아감", "task.returned:worker_lost": "작업자가 사라져 대기열로 돌아감",
    "task.succeeded": "완료", "task.failed": "실패: {m}", "task.cancel_requested": "취소 요청", "task.cancelled": "취소됨",
    "task.dismissed": "닫음", id: "번호", type: "종류", queue: "대기열", tags: "태그", created: "접수", began: "시작", endedAt: "종료",
    again: "원래 작업", "why.queued": "빈 작업자를 기다리고 있습니다.", "why.no_worker": "이 작업을 할 수 있는 작업자가 지금 없습니다.",
    "why.own_limit": "내 다른 작업이 끝나기를 기다리고 있습니다.", "why.returned": "작업자가 사라졌거나 종료되었습니다. 다른 작업자가 이어받습니다.",
    "why.due": "시작할 때가 되어 빈 작업자를 기다리고 있습니다.", "why.retrying": "실패하여 {t} 다시 시도합니다.", "why.scheduled": "{t} 시작합니다.",
    loadingDetails: "불러오는 중…", trouble: "지금은 자세한 내용을 불러올 수 없습니다.", lines: "앞의 {n}줄은 표시하지 않습니다.",
  },
};
